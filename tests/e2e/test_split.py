"""Two pods that are cut from each other: one side's writes are acknowledged, and none is lost."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.settings import LONG, TRIALS
from tests.e2e.cluster import Cluster, Pods, namespace, until
from tests.e2e.figures import Figures
from tests.e2e.manifests import app_of
from tests.e2e.members import are_whole
from tests.e2e.testbed import Testbed
from tests.e2e.tolls import Tolls
from tests.load import Address, Client

pytestmark = pytest.mark.alone

APP = Path(__file__).parent / "apps" / "splitting.py"
HOST = "splitting.example.org"
CUTS = max(5, TRIALS // 2) if LONG else 1
CUT = 15.0
"""Seconds that a cut lasts: the side that may go on does so by then."""
UNDER_WAY = 0.5
"""Seconds in which what had been written before the cut may still be said."""


@pytest.fixture(scope="module")
def pods(cluster: Cluster, testbed: Testbed) -> Iterator[Pods]:
    with namespace(cluster, "split") as name:
        manifest = app_of("splitting", APP, replicas=2, web={"host": HOST})
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=manifest)
        with Pods(cluster, "splitting", name) as pods:
            yield pods


@pytest.mark.timeout(600 + 240 * CUTS)
def test_at_most_one_side_acknowledges_and_no_acknowledged_write_is_lost(
    cluster: Cluster, testbed: Testbed, pods: Pods, figures: Figures, tolls: Tolls
) -> None:
    uncertain, there = 0, 0
    for _ in range(CUTS):
        until_both_write(cluster, pods)
        since = len(pods.log.lines)
        node = int(pods.node(pods.ready()[0]).removeprefix("node"))
        began = time.time()
        testbed.cut(node)
        time.sleep(CUT)
        healed = time.time()
        testbed.heal(node)
        until_both_write(cluster, pods)
        kept = {key: at for at, key in said(pods, "kept", since)}
        during = {key: at for key, at in kept.items() if began + UNDER_WAY < at < healed}
        sides = {key.rpartition("-")[0] for key in during}
        assert len(sides) == 1, f"acknowledged while they were cut from each other: {during}"
        silent = min(during.values()) - began
        tolls.recovered("one of two that are cut from each other writes again", silent)
        lost = set(kept) - found(cluster, list(kept))
        assert not lost, f"{len(lost)} of {len(kept)} acknowledged writes are lost: {lost}"
        unsure = [key for _, key in said(pods, "uncertain", since)]
        uncertain, there = uncertain + len(unsure), there + len(found(cluster, unsure))
        figures.note("two cut: uncertain writes", f"{uncertain}, {there} of them are there")


def until_both_write(cluster: Cluster, pods: Pods) -> None:
    # A node that is not known to be back loses its pod at the next cut: to the other side.
    until(cluster.nodes_are_ready, "three nodes are ready")
    pods.until_ready(2)
    until(lambda: are_whole(cluster, pods.all().values()), "the grid is whole")
    since = len(pods.log.lines)
    until(
        lambda: len({key.rpartition("-")[0] for _, key in said(pods, "kept", since)}) == 2,
        "both write",
    )


def said(pods: Pods, word: str, since: int) -> list[tuple[float, str]]:
    """When, by their own words, and of which keys the pods said so."""
    lines = [line.text.split(" ") for line in pods.log.said(word, since)]
    return [(float(at), key) for _, key, at in lines]


def found(cluster: Cluster, keys: list[str]) -> set[str]:
    client = Client(Address(cluster.ingress, 80, HOST), keeps=False)
    answers = [
        json.loads(client.ask("POST", "/found", json.dumps(keys[first : first + 500]).encode()))
        for first in range(0, len(keys), 500)
    ]
    return {key for answer in answers for key in answer}
