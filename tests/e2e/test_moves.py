"""Rolling updates and scale moves under a load of requests, sessions, messages and writes.

The short form makes two moves of each kind, the long form (IMMUTANT_TRIALS above 1) ten and more.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.settings import LONG, TRIALS
from tests.e2e.cluster import Cluster, Pods, namespace, until
from tests.e2e.figures import Figures
from tests.e2e.manifests import app_of
from tests.load import Address, Client, Load

APP = Path(__file__).parent / "apps" / "moving.py"
HOST = "moving.example.org"
MOVES = max(10, TRIALS) if LONG else 2
AT_REST = 600
"""Requests before the first move, for the figure at rest."""
PAUSE = 0.1
"""Seconds between two requests of a visitor: three nodes share one machine with what is tested."""
AT_ONCE = 500
"""Keys in one question for what is missing."""


class Reader:
    """Asks for a page."""

    def visit(self, client: Client) -> None:
        assert client.ask("GET", "/") == "hello"


class Returning:
    """Comes back with its cookies: its session counts on, without a gap and without a repeat."""

    def __init__(self) -> None:
        self._visits = 0

    def visit(self, client: Client) -> None:
        seen = int(client.ask("GET", "/visits"))
        expected, self._visits = self._visits + 1, seen
        assert seen == expected, f"the session's visit {expected} was counted as {seen}"


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
        self.load = Load(self.address, [*readers, *self.writers, *self.senders], PAUSE)

    def missing(self, kind: str, visitors: list[Keeping]) -> list[str]:
        """What was acknowledged to these and is not there."""
        keys = [key for visitor in visitors for key in visitor.acknowledged]
        client, found = Client(self.address, keeps=False), []
        for first in range(0, len(keys), AT_ONCE):
            asked = {"writes": [], "messages": [], kind: keys[first : first + AT_ONCE]}
            found += json.loads(client.ask("POST", "/missing", json.dumps(asked).encode()))[kind]
        return found


@pytest.fixture(scope="module")
def pods(cluster: Cluster) -> Iterator[Pods]:
    with namespace(cluster, "moves") as name:
        manifest = app_of("moving", APP, replicas=2, web={"host": HOST})
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=manifest)
        with Pods(cluster, "moving", name) as pods:
            pods.until_ready(2)
            routers = ("deployment/moving-router", "--timeout=120s")
            cluster.kubectl("rollout", "status", "-n", name, *routers)
            client = Client(Address(cluster.ingress, 80, HOST), keeps=False)
            until(lambda: is_served(client), "it is served from outside")
            yield pods


@pytest.mark.timeout(600 + 120 * MOVES)
def test_rolling_updates_cost_nobody_anything(
    cluster: Cluster, pods: Pods, figures: Figures
) -> None:
    scale(cluster, pods, 2)
    moves = [partial(roll, cluster, pods, number) for number in range(MOVES)]
    assert_nothing_is_lost_in(moves, "rolling update", cluster, pods, figures)


@pytest.mark.timeout(600 + 120 * MOVES)
def test_scale_moves_cost_nobody_anything(cluster: Cluster, pods: Pods, figures: Figures) -> None:
    scale(cluster, pods, 1)
    sizes = [3 if number % 2 == 0 else 1 for number in range(MOVES)]
    moves = [partial(scale, cluster, pods, size) for size in sizes]
    assert_nothing_is_lost_in(moves, "scale move", cluster, pods, figures)


def assert_nothing_is_lost_in(
    moves: Sequence[Callable[[], None]], kind: str, cluster: Cluster, pods: Pods, figures: Figures
) -> None:
    """Make the moves one after the other; nothing failed, and what was acknowledged is there."""
    busy, since = Busy(cluster), len(pods.log.lines)
    with busy.load as load:
        until(lambda: load.answered() >= AT_REST or bool(load.failures), "a load at rest")
        began = time.monotonic()
        for number, move in enumerate(moves, 1):
            load.note(f"-- {kind} {number} begins")
            move()
            load.note(f"-- {kind} {number} has ended")
        ended = time.monotonic()
    figures.note(
        f"{kind}, {len(moves)} times: p99 of a request",
        f"{1000 * load.p99(since=began, until=ended):.0f} ms, "
        f"at rest {1000 * load.p99(until=began):.0f} ms; {load.answered()} requests",
    )
    load.assert_none_failed()
    cut = [f"{line.replica} {line.text}" for line in pods.log.said("cut", since)]
    assert not cut, f"cut short: {cut[:10]}"
    lost = busy.missing("writes", busy.writers)
    assert not lost, f"{len(lost)} acknowledged writes are lost, such as {lost[:3]}"
    until(lambda: not busy.missing("messages", busy.senders), "every message was handled")
    again = [line.text for line in pods.log.said("again", since)]
    assert not again, f"handled by a second attempt: {again[:10]}"


def is_served(client: Client) -> bool:
    try:
        return client.ask("GET", "/") == "hello"
    except AssertionError:
        return False


def roll(cluster: Cluster, pods: Pods, number: int) -> None:
    """Change the pods' environment; every pod is replaced."""
    before = uids(pods)
    patch(cluster, pods, {"env": [{"name": "MOVE", "value": f"{uuid.uuid4()} {number}"}]})
    until(lambda: is_settled(cluster, pods) and not uids(pods) & before, "all pods are replaced")


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


def uids(pods: Pods) -> set[str]:
    return {str(pod["metadata"]["uid"]) for pod in pods.all().values()}
