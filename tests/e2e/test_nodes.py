"""A node that dies, and one that is cut off, while its pod holds the singleton."""

import re
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.e2e.cluster import Cluster, Pods, namespace, until
from tests.e2e.figures import Figures
from tests.e2e.manifests import app_of
from tests.e2e.members import are_whole
from tests.e2e.testbed import Testbed
from tests.log import Line, Log

pytestmark = pytest.mark.alone

STEPS = Path(__file__).parent / "apps" / "steps.py"
BOUND = 8.0
"""Seconds from the fault to the successor's first acknowledged write, at the default timings."""


@pytest.fixture(scope="module")
def pods(cluster: Cluster, testbed: Testbed, figures: Figures) -> Iterator[Pods]:
    with namespace(cluster, "nodes") as name:
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=app_of("steps", STEPS, replicas=3))
        with Pods(cluster, "steps", name) as pods:
            took = pods.until_ready(3, 120)
            figures.note("kubectl apply to three ready pods", f"{took:.0f} s")
            yield pods


def test_when_the_holders_node_loses_power_the_counter_goes_on_elsewhere(
    pods: Pods, cluster: Cluster, testbed: Testbed, figures: Figures
) -> None:
    node = _node_of_holder(pods)
    took = _takeover(pods, lambda: testbed.crash(node))
    figures.note("node crashed: the successor's first acknowledged write", f"{took:.1f} s")
    assert took <= BOUND
    testbed.restart(node)
    _until_whole(cluster, pods)
    _assert_tokens_and_numbers_grow(pods.log)


def test_when_the_holders_node_is_cut_off_no_write_of_it_follows_its_successors_first(
    pods: Pods, cluster: Cluster, testbed: Testbed, figures: Figures
) -> None:
    node = _node_of_holder(pods)
    took = _takeover(pods, lambda: testbed.cut(node))
    figures.note("node cut off: the successor's first acknowledged write", f"{took:.1f} s")
    assert took <= BOUND
    testbed.heal(node)
    # What the cut-off side said meanwhile lies on its node and is read now.
    _until_whole(cluster, pods)
    _assert_tokens_and_numbers_grow(pods.log)


def _node_of_holder(pods: Pods) -> int:
    pods.log.wait_for("accepted", 5, len(pods.log.lines), 60)
    return int(re.sub(r"\D", "", pods.node(pods.holder())))


def _takeover(pods: Pods, fault: Callable[[], None]) -> float:
    """Seconds from the fault to another pod's first acknowledged write."""
    holder, since = pods.holder(), len(pods.log.lines)
    began = time.time()
    fault()

    def successors() -> list[Line]:
        lines = pods.log.said("accepted", since)
        return [line for line in lines if line.replica != holder]

    pods.log.until(lambda: bool(successors()), "another pod counts", 60)
    pods.log.wait_for("accepted", 20, len(pods.log.lines), 60)
    _assert_tokens_and_numbers_grow(pods.log)
    return successors()[0].at - began


def _until_whole(cluster: Cluster, pods: Pods) -> None:
    until(cluster.nodes_are_ready, "three nodes are ready", 90)
    pods.until_ready(3, 120)
    until(lambda: are_whole(cluster, pods.all().values()), "the grid is whole", 120)


def _assert_tokens_and_numbers_grow(log: Log) -> None:
    """In the order of acknowledgement the numbers grow, and no older tenure follows a newer one.

    A number may be left out: its write was stored, and could not be acknowledged.
    """
    words = [line.text.split() for line in log.said("accepted")]
    accepted = sorted((float(at), int(number), int(token)) for _, number, token, at in words)
    assert [number for _, number, _ in accepted] == sorted(number for _, number, _ in accepted)
    assert [token for _, _, token in accepted] == sorted(token for _, _, token in accepted)
    numbers = [number for _, number, _ in accepted]
    gaps = [(a, b) for a, b in pairwise(numbers) if b - a > 2]
    assert gaps == [], gaps
