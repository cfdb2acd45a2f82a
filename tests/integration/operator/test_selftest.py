"""What `helm test` runs, with the account that the chart gives it, on a real API server."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import kubectl
from tests.integration.operator.processes import Replica, account, until
from tests.integration.operator.releases import SYSTEM, Release, bare
from tests.integration.operator.rights import granted
from tests.integration.operator.test_chart import of_kind, rendered

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
TESTER = f"system:serviceaccount:{SYSTEM}:immutant-operator-test"
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The chart, and the account that helm makes for the test."""
    with bare(tmp_path_factory.mktemp("selftest")) as started:
        Release(started).install()
        hooks = ("--namespace", SYSTEM, "--show-only", "templates/tests/installation.yaml")
        made = [one for one in rendered(*hooks, tests=True) if one["kind"] != "Pod"]
        kubectl(started, "apply", "-f", "-", stdin=yaml.safe_dump_all(made))
        yield started


def run(server: ApiServer) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "KUBECONFIG": str(account(server, SYSTEM, "immutant-operator-test")),
        "IMMUTANT_OPERATOR_NAMESPACE": SYSTEM,
    }
    (pod,) = of_kind(rendered(tests=True), "Pod")
    command = [sys.executable, *pod["spec"]["containers"][0]["command"][1:]]
    return subprocess.run(
        command, env=environment, text=True, capture_output=True, timeout=120, check=False
    )


async def test_a_sound_installation_passes_with_the_tests_own_account(
    server: ApiServer, tmp_path: Path
) -> None:
    rights = account(server, SYSTEM, "immutant-operator")
    with Replica(rights, SYSTEM, "one", tmp_path / "operator.log") as replica:
        await until(lambda: "this replica leads" in replica.said, replica.said)
        ended = run(server)
    assert ended.returncode == 0, ended.stderr
    lead, accepted, refused = ended.stdout.splitlines()
    assert lead == "ok: an operator leads, and renews its Lease: one"
    assert accepted == f"ok: an app is accepted in namespace {SYSTEM}"
    assert "spec.replicas" in refused
    assert kubectl(server, "get", "immutantapps", "-A", "-o", "name") == ""


def test_its_account_may_do_nothing_else(server: ApiServer) -> None:
    here = {(one.resource.split(".")[0], one.verb) for one in granted(server, TESTER, SYSTEM)}
    assert here == {("leases", "get"), ("immutantapps", "create")}
    assert granted(server, TESTER, "default") == set()


def test_a_restricted_namespace_takes_its_pod(server: ApiServer) -> None:
    kubectl(server, "label", "namespace", SYSTEM, RESTRICTED, "--overwrite")
    (pod,) = of_kind(rendered("--namespace", SYSTEM, tests=True), "Pod")
    tried = ("create", "--dry-run=server", "--output=name", "--filename=-")
    assert kubectl(server, *tried, stdin=json.dumps(pod)) == "pod/immutant-operator-test\n"


def test_without_an_operator_it_fails_and_says_so(server: ApiServer) -> None:
    ended = run(server)
    assert ended.returncode == 1
    assert ended.stderr.startswith("failed: no operator leads"), ended.stderr
