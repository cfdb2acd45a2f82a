"""A real Prometheus asks two real pods: every panel of app, messaging and singletons has data.

The queries of routers and of the operator need a cluster: `tests/e2e/test_monitoring.py`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests import polling
from tests.chaos.pods import Pod, Setting
from tests.grid.members import Members, running
from tests.integration.kube.apiserver import ApiServer
from tests.integration.kube.pods import allow
from tests.monitoring.prometheus import Prometheus, prometheus
from tests.monitoring.questions import questions, unanswered
from tests.processes import process_group
from tools.dashboards.files import rules

from immutant.contract.timings import Timings

SHOP = f"{Path(__file__).parents[2] / 'monitoring' / 'shop.py'}:app"
ELSEWHERE = ("haproxy_", "immutant_operator_")
WINDOW = "240s"
"""Longer than the test on a busy machine: what happens once is in every rate until its end."""


@pytest.fixture
def members() -> Iterator[Members]:
    with running(2, app="demo") as members:
        yield members


@pytest.fixture
def pods(
    apiserver: ApiServer, namespace: str, members: Members, socket_folder: Path
) -> Iterator[list[Pod]]:
    allow(apiserver, namespace)
    timings = Timings.fitting(2.4, 1.5, 0.6)
    with process_group() as group:
        setting = Setting(
            apiserver, namespace, socket_folder, timings, members.grid, group, entrypoint=SHOP
        )
        pods = [Pod(setting, number, f"uid-{number}") for number in range(2)]
        for pod in pods:
            pod.start()
        yield pods
        for pod in pods:
            pod.close()


def scraped(pods: list[Pod], members: Members, namespace: str) -> dict[str, Any]:
    """As the scrape by Kubernetes would label them."""
    ports = [(pod.name, pod.ops.port) for pod in pods]
    ports += [(pod.name, member.ports.metrics) for pod, member in zip(pods, members, strict=True)]
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"namespace": namespace, "pod": pod, "immutant_org_app": "demo"},
        }
        for pod, port in ports
    ]
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": "pods", "static_configs": targets}],
    }


@pytest.mark.timeout(600)
def test_every_panel_has_data_and_dead_letters_and_missed_ticks_call_somebody(
    pods: list[Pod], members: Members, namespace: str, tmp_path: Path
) -> None:
    config = scraped(pods, members, namespace)
    with prometheus(tmp_path, config, rules(lasting="0s")) as server:
        polling.until(lambda: set(server.up().values()) == {"up"}, "all are scraped", 60, 0.5)
        polling.until(lambda: is_served(pods), "both pods serve", 60, 0.5)
        asked = [
            one
            for one in questions(namespace, "demo", "nowhere", WINDOW)
            if not any(name in one.expr for name in ELSEWHERE)
        ]
        assert len(asked) > 40
        polling.until(lambda: is_handed_over(server), "what fails goes elsewhere", 90, 0.5)
        pods.pop().close()  # its singletons go on in the other one
        left: list[str] = []

        def is_all_there() -> bool:
            visit(pods)
            left[:] = unanswered(server, asked)
            return not left

        try:
            polling.until(is_all_there, "every panel has data", 150, 1.0)
        except AssertionError as error:
            raise AssertionError("\n".join(left) + "\n" + pods[0].said()) from error
        wanted = {"ImmutantDeadLettersGrowing", "ImmutantTicksMissed"}
        polling.until(lambda: wanted <= server.firing(), "the alerts fire", 30, 0.5)
        polling.until(lambda: not is_missed(server, "buyer"), "the other one buys", 30, 0.5)
        assert server.faults() == {}
        pods.pop().close()
        polling.until(lambda: is_missed(server, "buyer"), "nobody buys", 60, 0.5)


def is_served(pods: list[Pod]) -> bool:
    return all(pod.web.exists() for pod in pods)


def test_a_member_that_may_not_write_calls_somebody(tmp_path: Path) -> None:
    with running(2, app="demo") as members:
        targets = [f"127.0.0.1:{member.ports.metrics}" for member in members]
        labels = {"namespace": "d", "immutant_org_app": "demo"}
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [
                {"job_name": "m", "static_configs": [{"targets": targets, "labels": labels}]}
            ],
        }
        for member in members:
            member.tell("demo-0", "demo-1", seconds=120.0)
        with prometheus(tmp_path, config, rules(lasting="0s")) as server:
            unsafe = {"ImmutantGridUnsafe"}
            safe = "hazelcast_writable == 1"
            polling.until(lambda: len(server.query(safe)) == 2, "both are there", 60, 0.5)
            polling.until(lambda: not unsafe & server.firing(), "it is safe", 60, 0.5)
            members[1].freeze()
            polling.until(lambda: unsafe <= server.firing(), "the alert fires", 30, 0.5)


def is_missed(server: Prometheus, daemon: str) -> bool:
    who = f'alertname="ImmutantNoHolder",name="{daemon}",alertstate="firing"'
    return bool(server.query(f"ALERTS{{{who}}}"))


def is_handed_over(server: Prometheus) -> bool:
    """Whether that was scraped twice: who handed over may be gone next, and a rate needs two."""
    counted = ('immutant_handovers_total{reason="failures"}', "immutant_tenures_ended_total")
    return all(server.query(f"increase({one}[{WINDOW}])") for one in counted)


def visit(pods: list[Pod]) -> None:
    """Pages, sessions, a page that is not there, and an order that nobody can carry out."""
    for pod in pods:
        way = httpx.HTTPTransport(uds=str(pod.web))
        with httpx.Client(transport=way, base_url="http://shop") as client:
            codes = [client.get(f"/{page}").status_code for page in ("", "in", "out", "bad", "no")]
        assert codes == [200, 200, 200, 200, 404]
