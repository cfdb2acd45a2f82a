"""Rolling updates and scale moves under a load of requests, sessions, messages and writes.

The short form rolls once, and scales up and down; the long form (IMMUTANT_TRIALS above 1) makes ten
moves of each kind, and more.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from tests.chaos.settings import LONG, TRIALS
from tests.e2e.busy import Busy, is_settled, patch, scale, served
from tests.e2e.cluster import Cluster, Pods, until
from tests.e2e.tolls import Tolls
from tests.log import Line, Log

pytestmark = pytest.mark.alone

ROLLS = max(10, TRIALS) if LONG else 1
SIZES = max(10, TRIALS) if LONG else 2
AT_REST = 600
"""Requests before the first move, for the figure at rest."""


@pytest.fixture(scope="module")
def pods(cluster: Cluster) -> Iterator[Pods]:
    with served(cluster, "moves", replicas=2) as pods:
        yield pods


@pytest.mark.timeout(600 + 120 * ROLLS)
def test_rolling_updates_cost_nobody_anything(cluster: Cluster, pods: Pods, tolls: Tolls) -> None:
    scale(cluster, pods, 2)
    moves = [partial(roll, cluster, pods, number) for number in range(ROLLS)]
    assert_nothing_is_lost_in(moves, "rolling update", cluster, pods, tolls)


@pytest.mark.timeout(600 + 120 * SIZES)
def test_scale_moves_cost_nobody_anything(cluster: Cluster, pods: Pods, tolls: Tolls) -> None:
    scale(cluster, pods, 1)
    sizes = [3 if number % 2 == 0 else 1 for number in range(SIZES)]
    moves = [partial(scale, cluster, pods, size) for size in sizes]
    assert_nothing_is_lost_in(moves, "scale move", cluster, pods, tolls)


def assert_nothing_is_lost_in(
    moves: Sequence[Callable[[], None]], kind: str, cluster: Cluster, pods: Pods, tolls: Tolls
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
    tolls.cost(kind, load, began, ended, len(moves))
    load.assert_none_failed()
    cut = pods.log.said("cut", since)
    assert not cut, "cut short:\n" + "\n".join(what_led_to(pods.log, cut[0], since))
    busy.assert_all_is_there()
    again = [line.text for line in pods.log.said("again", since)]
    assert not again, f"handled by a second attempt: {again[:10]}"


def what_led_to(log: Log, line: Line, since: int) -> list[str]:
    """What the line's replica said last, up to a moment after it."""
    own = [one for one in log.lines[since:] if one.replica == line.replica]
    at = own.index(line)
    return [one.text for one in own[max(0, at - 20) : at + 10]]


def roll(cluster: Cluster, pods: Pods, number: int) -> None:
    """Change the pods' environment; every pod is replaced."""
    before = uids(pods)
    patch(cluster, pods, {"env": [{"name": "MOVE", "value": f"{uuid.uuid4()} {number}"}]})
    until(lambda: is_settled(cluster, pods) and not uids(pods) & before, "all pods are replaced")


def uids(pods: Pods) -> set[str]:
    return {str(pod["metadata"]["uid"]) for pod in pods.all().values()}
