"""The operator as a process: with the chart's rights alone, led by one replica at a time."""

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, condition, kubectl
from tests.integration.operator.processes import Replica, account, installed, until

from immutant_operator.api import APP_KIND, Api

PATIENCE = 120.0
NAMESPACE = "immutant"


async def served(operated: Operated, pods: int) -> None:
    """Wait until an app is as wanted, by the operator alone; its pods' kubelet is played here."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        app = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
        if condition(app, "Progressing")["reason"] == "Complete" and (
            app["status"]["ready"] == f"{pods}/{pods}"
        ):
            return
        assert asyncio.get_running_loop().time() < deadline, app
        await operated.make_ready()
        await asyncio.sleep(0.1)


async def holder(api: Api) -> str:
    lease = await api.find("coordination.k8s.io/v1", "Lease", NAMESPACE, "immutant-operator")
    return str(lease["spec"].get("holderIdentity", "")) if lease else ""


@pytest.fixture(scope="module")
def kubeconfig(server: ApiServer) -> Path:
    return installed(server, NAMESPACE)


async def test_two_replicas_one_works_and_the_other_takes_over_at_once(
    server: ApiServer, kubeconfig: Path, operated: Operated, tmp_path: Path
) -> None:
    with Replica(kubeconfig, NAMESPACE, "first", tmp_path / "first.log") as first:
        await until(lambda: "this replica leads" in first.said, "the first leads")
        with Replica(kubeconfig, NAMESPACE, "second", tmp_path / "second.log") as second:
            await until(lambda: "health and metrics" in second.said, "the second serves")
            assert second.ops("/readyz") == "ok"
            assert "immutant_operator_leading 0.0" in second.ops("/metrics")
            await operated.write(replicas=2)
            await served(operated, 2)
            await operated.write(replicas=1)
            await served(operated, 1)
            there = len(await operated.api.list(*APP_KIND, None, {}))
            assert f"immutant_operator_apps {there}.0" in first.ops("/metrics")

            first.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(first.process.wait, 4) == 0, first.said
            await until(lambda: "this replica leads" in second.said, "the second leads")
            await operated.write(replicas=2)
            await served(operated, 2)
            for replica in (first, second):
                assert "Traceback" not in replica.said, replica.said
                assert "forbidden" not in replica.said, replica.said
    kept = (await operated.api.get(*APP_KIND, operated.namespace, "demo"))["metadata"]
    assert "finalizers" not in kept
    assert "annotations" not in kept


async def test_with_rights_in_one_namespace_it_rolls_an_app_whose_source_has_changed(
    server: ApiServer, operated: Operated, tmp_path: Path
) -> None:
    team = operated.namespace
    rights = installed(server, f"{team}-operator", "--set", f"watchNamespace={team}")
    with Replica(rights, f"{team}-operator", "one", tmp_path / "one.log", team) as replica:
        await operated.source("one")
        await operated.write(source={"configMap": {"name": "demo-source"}})
        await served(operated, 1)
        before = (await operated.pods())["demo-0"]["metadata"]["uid"]
        await operated.source("two")
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while (await operated.pods()).get("demo-0", {}).get("metadata", {}).get("uid") == before:
            assert asyncio.get_running_loop().time() < deadline, replica.said
            await operated.make_ready()
            await asyncio.sleep(0.1)
        await served(operated, 1)


async def test_a_leader_that_loses_its_lease_ends(
    server: ApiServer, kubeconfig: Path, api: Api, tmp_path: Path
) -> None:
    with Replica(kubeconfig, NAMESPACE, "loser", tmp_path / "loser.log") as loser:
        await until(lambda: "this replica leads" in loser.said, "it leads")
        lease = await api.get("coordination.k8s.io/v1", "Lease", NAMESPACE, "immutant-operator")
        lease["spec"]["holderIdentity"] = "usurper"
        await api.replace(lease)
        assert await asyncio.to_thread(loser.process.wait, 15) == 1, loser.said
        assert "another replica" in loser.said
        assert await holder(api) == "usurper"
        await api.delete(lease)


async def test_no_app_is_touched_before_it_is_known_how_this_cluster_finds_pods(
    server: ApiServer, kubeconfig: Path, operated: Operated, tmp_path: Path
) -> None:
    kept = ("apps/v1", "StatefulSet", operated.namespace, operated.name)
    with ExitStack() as away:
        away.enter_context(unanswered(server, "monitoring.coreos.com"))
        asked = ("get", "--raw", "/apis/monitoring.coreos.com/v1")
        gone = "ServiceUnavailable"
        await until(lambda: gone in kubectl(server, *asked, check=False), "nobody answers")
        with Replica(kubeconfig, NAMESPACE, "asking", tmp_path / "asking.log") as asking:
            await operated.write(replicas=1)
            said = "whether this cluster has PodMonitors cannot be told"
            await until(lambda: asking.said.count(said) > 1, "it asks again and again")
            assert await operated.api.find(*kept) is None
            away.close()
            await served(operated, 1)
    made = await operated.api.get(*kept)
    assert made["spec"]["template"]["metadata"]["annotations"]["prometheus.io/scrape"] == "true"


@contextmanager
def unanswered(server: ApiServer, group: str) -> Iterator[None]:
    """An API group whose own server, behind the API server, is away."""
    spec = {
        "group": group,
        "version": "v1",
        "service": {"name": "away", "namespace": "default"},
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    name = f"v1.{group}"
    body = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService"}
    made = json.dumps({**body, "metadata": {"name": name}, "spec": spec})
    kubectl(server, "apply", "-f", "-", stdin=made)
    try:
        yield
    finally:
        kubectl(server, "delete", "apiservice", name)


async def test_an_apps_account_writes_leases_of_its_own_app_alone(
    server: ApiServer, kubeconfig: Path, operated: Operated
) -> None:
    await operated.write()
    await operated.look()
    own = account(server, operated.namespace, "immutant-app-demo")

    def create(name: str, namespace: str = operated.namespace, label: str = "demo") -> str:
        labels = f"labels: {{immutant.org/app: {label}}}"
        lease = (
            "{apiVersion: coordination.k8s.io/v1, kind: Lease, "
            f"metadata: {{name: {name}, namespace: {namespace}, {labels}}}}}"
        )
        return kubectl(
            server, "--kubeconfig", str(own), "create", "-f", "-", stdin=lease, check=False
        )

    assert "created" in create("demo.member.demo-0")
    refused = "may write Leases of its own app only: demo.*"
    # A policy that has just been installed takes the API server a moment.
    await until(lambda: refused in create("other.member.other-0"), "the policy is in force")
    assert refused in create("demonstration")
    assert "labelled immutant.org/app: demo" in create("demo.member.demo-1", label="other")
    assert "forbidden" in create("demo.member.demo-0", "default")
    asked = ("--kubeconfig", str(own), "-n", operated.namespace, "auth", "can-i")
    assert kubectl(server, *asked, "get", "secrets", check=False).strip() == "no"
    assert kubectl(server, *asked, "delete", "leases", check=False).strip() == "no"
