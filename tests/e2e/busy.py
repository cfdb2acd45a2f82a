"""The application `moving` under a load of requests, sessions, messages and writes.

Belongs here: the application, who uses it, and what they were told. Not here: what is done to it
meanwhile (`test_moves`, `test_breaks`).
"""

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.cluster import Cluster, Pods, namespace, until
from tests.e2e.manifests import app_of
from tests.load import Address, Client, Load

__all__ = ["Busy", "is_settled", "patch", "scale", "served"]

HOST = "moving.example.org"

_APP = Path(__file__).parent / "apps" / "moving.py"
_PAUSE = 0.1
"""Seconds between two requests of a visitor: three nodes share one machine with what is tested."""
_AT_ONCE = 500
"""Keys in one question for what is missing."""


class Reader:
    """Asks for a page."""

    def visit(self, client: Client) -> None:
        assert client.ask("GET", "/") == "hello"


class Returning:
    """Comes back with its cookies: its session counts on, without a gap and without a repeat.

    A visit that got no answer may have been counted, or not.
    """

    def __init__(self) -> None:
        self._visits = 0
        self._unanswered = 0

    def visit(self, client: Client) -> None:
        self._unanswered += 1
        seen = int(client.ask("GET", "/visits"))
        expected = range(self._visits + 1, self._visits + self._unanswered + 1)
        self._visits, self._unanswered = seen, 0
        assert seen in expected, f"the session's visit {expected} was counted as {seen}"


class Keeping:
    """Posts something new each time, and remembers what was acknowledged."""

    def __init__(self, path: str) -> None:
        self.acknowledged: list[str] = []
        self._path = path

    def visit(self, client: Client) -> None:
        key = uuid.uuid4().hex
        client.ask("POST", self._path, key.encode())
        self.acknowledged.append(key)


class Busy:
    """All visitors at once, each kind over kept and over fresh connections."""

    def __init__(self, cluster: Cluster) -> None:
        self.address = Address(cluster.ingress, 80, HOST)
        self.writers = [Keeping("/write") for _ in range(2)]
        self.senders = [Keeping("/send") for _ in range(2)]
        readers: list[Reader | Returning] = [Reader(), Reader(), Returning(), Returning()]
        self.load = Load(self.address, [*readers, *self.writers, *self.senders], _PAUSE)

    def assert_all_is_there(self) -> None:
        """Every write that was acknowledged is, and every message is handled in the end."""
        lost = self._missing("writes", self.writers)
        assert not lost, f"{len(lost)} acknowledged writes are lost, such as {lost[:3]}"
        until(lambda: not self._missing("messages", self.senders), "every message is handled")

    def _missing(self, kind: str, visitors: list[Keeping]) -> list[str]:
        """What was acknowledged to these and is not there."""
        keys = [key for visitor in visitors for key in visitor.acknowledged]
        client, found = Client(self.address, keeps=False), []
        for first in range(0, len(keys), _AT_ONCE):
            asked = {"writes": [], "messages": [], kind: keys[first : first + _AT_ONCE]}
            found += json.loads(client.ask("POST", "/missing", json.dumps(asked).encode()))[kind]
        return found


@contextlib.contextmanager
def served(cluster: Cluster, where: str, **spec: Any) -> Iterator[Pods]:
    """The application in a namespace of its own, reached from outside."""
    with namespace(cluster, where) as name:
        manifest = app_of("moving", _APP, web={"host": HOST}, **spec)
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=manifest)
        with Pods(cluster, "moving", name) as pods:
            pods.until_ready(spec["replicas"])
            routers = ("deployment/moving-router", "--timeout=120s")
            cluster.kubectl("rollout", "status", "-n", name, *routers)
            client = Client(Address(cluster.ingress, 80, HOST), keeps=False)
            until(lambda: _is_served(client), "it is served from outside")
            yield pods


def scale(cluster: Cluster, pods: Pods, replicas: int) -> None:
    patch(cluster, pods, {"replicas": replicas})
    until(
        lambda: is_settled(cluster, pods) and len(pods.all()) == len(pods.ready()) == replicas,
        f"{replicas} pods are ready and no other is there",
    )


def patch(cluster: Cluster, pods: Pods, spec: dict[str, Any]) -> None:
    change = json.dumps({"spec": spec})
    where = ("-n", pods.namespace, "--type=merge", "-p", change)
    cluster.kubectl("patch", "immutantapp", pods.app, *where)


def is_settled(cluster: Cluster, pods: Pods) -> bool:
    """Whether the operator has seen the spec as it is and has nothing more to do."""
    body = cluster.get("immutantapp", pods.app, "-n", pods.namespace)
    conditions = {one["type"]: one for one in body.get("status", {}).get("conditions", ())}
    progressing = conditions.get("Progressing", {})
    is_current = progressing.get("observedGeneration") == body["metadata"]["generation"]
    return bool(is_current and progressing["reason"] == "Complete")


def _is_served(client: Client) -> bool:
    try:
        return client.ask("GET", "/") == "hello"
    except AssertionError:
        return False
