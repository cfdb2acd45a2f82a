"""A real Prometheus on a real cluster finds everything, as the documents say.

Every panel has data, and alerts fire when they are provoked.

It runs on this machine, in the testbed's network, since it asks the pods at their own addresses. It
takes the operator's rights and pods away, so that nothing may run beside it.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.cluster import Cluster, Pods, namespace, until
from tests.e2e.faults import kill_pod
from tests.e2e.manifests import app_of
from tests.load import Address, Client
from tests.monitoring.discovery import discovering
from tests.monitoring.prometheus import Prometheus, prometheus
from tests.monitoring.questions import questions, unanswered
from tools.dashboards.alerts import ALERTS
from tools.dashboards.files import rules

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "tests" / "monitoring" / "shop.py"
HOST = "shop.example.org"
OPERATOR = "immutant-system"
WINDOW = "120s"
"""Long enough for all that happens once in this test to be in every rate."""

HAPPENS = 180.0
"""Seconds in which all that is to be seen has happened: a daemon that fails twice and moves,
sessions and dead letters, a pod that is killed and its lease waited out."""

PROVOKED = {
    "ImmutantDeadLettersGrowing",
    "ImmutantTicksMissed",
    "ImmutantReconcileFailing",
    "ImmutantNoHolder",
    "ImmutantOperatorLeaderless",
}
ELSEWHERE = {"ImmutantGridUnsafe"}
"""tests/integration/monitoring provokes it, by members that are told whose votes count."""

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]


def documented() -> dict[str, Any]:
    """The configuration in docs/monitoring.md, told where the API server is."""
    text = (ROOT / "docs" / "monitoring.md").read_text()
    (block,) = re.findall(r"^```yaml\n(scrape_configs:.*?)^```", text, re.MULTILINE | re.DOTALL)
    config: dict[str, Any] = yaml.safe_load(block)
    return config


@pytest.fixture(scope="module")
def pods(cluster: Cluster, on_this_machine: None) -> Iterator[Pods]:
    with namespace(cluster, "monitoring") as name:
        spec = {"replicas": 2, "web": {"host": HOST}}
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=app_of("shop", SHOP, **spec))
        with Pods(cluster, "shop", name) as pods:
            pods.until_ready(2)
            client = Client(Address(cluster.ingress, 80, HOST), keeps=False)
            until(lambda: is_served(client), "it is served from outside")
            yield pods


@pytest.fixture(scope="module")
def server(
    cluster: Cluster, pods: Pods, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    config, found = documented(), folder / "pods.json"
    for job in config["scrape_configs"]:
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
        job["file_sd_configs"] = [{"files": [str(found)], "refresh_interval": "1s"}]
    times = ("scrape_interval", "scrape_timeout", "evaluation_interval")
    config["global"] = dict.fromkeys(times, "2s")
    with (
        discovering(lambda: list(cluster.get("pods", "-A")), found),
        prometheus(folder, config, rules(lasting="0s")) as server,
    ):
        yield server


def test_the_documented_configuration_finds_all_pods_at_all_their_ports(
    cluster: Cluster, pods: Pods, server: Prometheus
) -> None:
    def ports() -> list[str]:
        own = server.query(f'up{{namespace="{pods.namespace}",immutant_org_app="shop"}} == 1')
        operator = server.query(f'up{{namespace="{OPERATOR}"}} == 1')
        found = [one["metric"]["instance"].rpartition(":")[2] for one in (*own, *operator)]
        return sorted(found)

    replicas = cluster.get("deployment", "immutant-operator", "-n", OPERATOR)["spec"]["replicas"]
    wanted = sorted(["7071", "5703", "8404"] * 2 + ["8081"] * replicas)
    until(lambda: ports() == wanted, f"targets at {wanted}")


def test_every_panel_of_every_dashboard_has_data(
    cluster: Cluster, pods: Pods, server: Prometheus
) -> None:
    asked = questions(pods.namespace, "shop", OPERATOR, WINDOW)
    client = Client(Address(cluster.ingress, 80, HOST), keeps=False)
    moved = 'immutant_handovers_total{reason="failures"} > 0'
    until(lambda: bool(server.query(moved)), "a daemon that fails goes elsewhere")
    kill_pod(pods.all()[pods.holder("daemon.buyer")])
    left: list[str] = []

    def is_all_there() -> bool:
        visit(client)
        left[:] = unanswered(server, asked)
        return not left

    try:
        until(is_all_there, "every panel has data", HAPPENS)
    except AssertionError as error:
        raise AssertionError("no data:\n" + "\n".join(left)) from error


def test_every_rule_can_be_evaluated_and_every_alert_is_provoked_somewhere(
    server: Prometheus,
) -> None:
    until(lambda: bool(server.query("ALERTS")), "the rules have been evaluated")
    assert server.faults() == {}
    assert {alert.name for alert in ALERTS} == PROVOKED | ELSEWHERE


def test_dead_letters_and_missed_ticks_call_somebody(server: Prometheus) -> None:
    wanted = {"ImmutantDeadLettersGrowing", "ImmutantTicksMissed"}
    until(lambda: wanted <= server.firing(), f"{wanted} fire")


def test_an_operator_that_may_not_write_what_it_found_calls_somebody(
    cluster: Cluster, pods: Pods, server: Prometheus
) -> None:
    pods.until_ready(2)
    with no_right_to(cluster, "immutantapps/status"):
        cluster.kubectl("scale", "-n", pods.namespace, "immutantapp", "shop", "--replicas=3")
        until(lambda: "ImmutantReconcileFailing" in server.firing(), "the operator fails")
    until(lambda: len(pods.ready()) == 3, "it goes on once it may")


@contextmanager
def no_right_to(cluster: Cluster, resource: str) -> Iterator[None]:
    """The operator without one of its rights."""
    name = f"immutant-operator-{OPERATOR}"
    role = cluster.get("clusterrole", name)
    for field in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
        role["metadata"].pop(field, None)
    less = [rule for rule in role["rules"] if resource not in rule["resources"]]
    assert len(less) < len(role["rules"])
    cluster.kubectl("replace", "-f", "-", stdin=json.dumps({**role, "rules": less}))
    try:
        yield
    finally:
        cluster.kubectl("replace", "-f", "-", stdin=json.dumps(role))


def test_an_app_without_pods_has_no_holder(
    cluster: Cluster, pods: Pods, server: Prometheus
) -> None:
    missed = 'ALERTS{alertname="ImmutantNoHolder",name="buyer",alertstate="firing"}'
    until(lambda: not server.query(missed), "somebody buys")
    cluster.kubectl("scale", "-n", pods.namespace, "immutantapp", "shop", "--replicas=0")
    until(lambda: bool(server.query(missed)), "nobody buys")


def test_an_operator_without_pods_does_not_lead(cluster: Cluster, server: Prometheus) -> None:
    scale = ("scale", "-n", OPERATOR, "deployment", "immutant-operator")
    replicas = cluster.get("deployment", "immutant-operator", "-n", OPERATOR)["spec"]["replicas"]
    cluster.kubectl(*scale, "--replicas=0")
    try:
        until(lambda: "ImmutantOperatorLeaderless" in server.firing(), "nobody leads")
    finally:
        cluster.kubectl(*scale, f"--replicas={replicas}")
        ready = ("deployment/immutant-operator", "--timeout=120s")
        cluster.kubectl("rollout", "status", "-n", OPERATOR, *ready)


def visit(client: Client) -> None:
    """Pages, sessions, and an order that nobody can carry out."""
    for path, answer in (("/", "shop"), ("/in", "in"), ("/out", "out"), ("/bad", "sent")):
        try:
            assert client.ask("GET", path) == answer
        except AssertionError:  # a pod was just killed; whether requests fail is no matter here
            return


def is_served(client: Client) -> bool:
    try:
        return client.ask("GET", "/") == "shop"
    except AssertionError:
        return False
