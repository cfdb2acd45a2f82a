"""What an application cannot do to others: reach their grid, touch their Leases."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.e2e.cluster import Cluster, Pods, namespace
from tests.e2e.manifests import app_of

APP = """
from immutant import App

app = App("one")


@app.daemon
async def guard(tenure):
    async for _ in tenure.every("1s"):
        pass
"""
_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 5701), timeout=3).close()
except OSError as error:
    sys.exit(f"no connection: {error}")
print("connected")
"""


@dataclass(frozen=True)
class Two:
    """Two applications in one namespace, each with one pod."""

    cluster: Cluster
    one: Any
    other: Any


@pytest.fixture(scope="module")
def two(cluster: Cluster) -> Iterator[Two]:
    with namespace(cluster, "isolation") as name:
        for app in ("one", "other"):
            cluster.kubectl("apply", "-n", name, "-f", "-", stdin=app_of(app, APP))
        with Pods(cluster, "one", name) as one, Pods(cluster, "other", name) as other:
            one.until_ready(1, 120)
            other.until_ready(1, 120)
            yield Two(cluster, one.all()["one-0"], other.all()["other-0"])


def test_a_pod_of_another_app_cannot_reach_the_members(two: Two) -> None:
    assert "connected" in _connect(two, "one-0", two.one)
    assert "no connection" in _connect(two, "other-0", two.one)


def test_only_the_sidecar_has_a_token(two: Two) -> None:
    for container in ("app", "member"):
        said = _exec(two, "one-0", container, "ls", "/var/run/secrets/kubernetes.io")
        assert "No such file" in said


def test_a_pods_token_writes_the_leases_of_its_own_app_and_touches_nothing_else(two: Two) -> None:
    token = _exec(two, "one-0", "runtime", "cat", _TOKEN)

    def with_token(*arguments: str, stdin: str = "") -> str:
        # Without the administrator's own credentials, which kubectl would rather use.
        return two.cluster.kubectl(f"--token={token}", *arguments, stdin=stdin, check=False)

    def create(name: str, app: str, namespace: str = "isolation") -> str:
        lease = json.dumps(_lease(name, app, two))
        return with_token("create", "-n", namespace, "-f", "-", stdin=lease)

    assert "created" in create("one.daemon.mine", "one")
    assert "denied" in create("other.daemon.theirs", "other")
    assert "denied" in create("other.daemon.theirs", "one")
    assert "denied" in create("one.daemon.disguised", "other")
    assert "forbidden" in create("one.daemon.mine", "one", "default").lower()
    theirs = two.cluster.kubectl(
        "get", "lease", "other.daemon.guard", "-n", "isolation", "-o", "json"
    )
    assert "denied" in with_token("replace", "-n", "isolation", "-f", "-", stdin=theirs)
    for verb, what in (("get", "secrets"), ("get", "pods"), ("get", "configmaps")):
        assert "forbidden" in with_token(verb, what, "-n", "isolation").lower()
    said = with_token("delete", "lease", "other.daemon.guard", "-n", "isolation")
    assert "forbidden" in said.lower()


_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def _lease(name: str, app: str, two: Two) -> dict[str, Any]:
    labels = {"immutant.org/app": app}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "labels": labels},
        "spec": {"holderIdentity": "a test"},
    }


def _connect(two: Two, pod: str, to: Any) -> str:
    return _exec(two, pod, "app", "python", "-c", _CONNECT, to["status"]["podIP"])


def _exec(two: Two, pod: str, container: str, *command: str) -> str:
    return two.cluster.kubectl(
        "exec", "-n", "isolation", pod, "-c", container, "--", *command, check=False
    ).strip()
