"""The article, step by step, on three real nodes: the example as a reader installs and breaks it.

The tests of this module are one walk, in the article's order: each begins where the last one ended.
"""

import json
import urllib.error
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.e2e.cluster import Browser, Cluster, Pods, until
from tests.e2e.faults import kill_pod
from tests.e2e.figures import Figures
from tests.e2e.members import entries
from tests.log import Line, numbers

DEMO = Path(__file__).parents[2] / "examples" / "cluster-demo" / "demo.yaml"
HOST = "demo.example.org"
MESSAGES = 20


class Walk:
    """The demo on its cluster, and the browser that walks along."""

    def __init__(self, cluster: Cluster, pods: Pods) -> None:
        self.cluster = cluster
        self.pods = pods
        self.log = pods.log
        self.browser = cluster.browser()
        self.counted = 0

    def scale(self, replicas: int) -> float:
        """`kubectl scale`, until so many pods are ready; the seconds it took."""
        self.cluster.kubectl("scale", "immutantapp", "demo", f"--replicas={replicas}")
        return self.pods.until_ready(replicas)

    def count(self) -> None:
        """Ask for /count: it counts on, whatever happened to the pods."""
        assert self.browser.get(HOST, "/count") == f"{self.counted + 1} times"
        self.counted += 1

    def receivers(self, count: int, since: int, patience: float = 60.0) -> list[str]:
        """Who received the next so many messages."""
        received = self.log.wait_for("recv", count, since, patience)
        return [line.replica for line in received[:count]]

    def until_shared(self, takers: int) -> int:
        """Wait until so many pods have received one after the other; the lines there were by then.

        A consumer that has just come stands at the end of the line.
        """

        def shared() -> bool:
            last = [line.replica for line in self.log.said("recv")[-takers:]]
            return len(set(last)) == takers and set(last) == set(self.pods.ready())

        self.log.until(shared, f"{takers} pods take turns", 90.0)
        return len(self.log.lines)


@pytest.fixture(scope="module")
def walk(cluster: Cluster) -> Iterator[Walk]:
    cluster.kubectl("wait", "pod", "-l", "immutant.org/app=demo", "--for=delete", "--timeout=60s")
    cluster.kubectl("apply", "-f", str(DEMO))
    with Pods(cluster, "demo") as pods:
        yield Walk(cluster, pods)
    cluster.kubectl("delete", "-f", str(DEMO))


def test_applied_it_settles_into_four_kinds_of_lines(walk: Walk) -> None:
    walk.pods.until_ready(1)
    assert _period(walk.log.wait_for("send", 4, patience=60)) == pytest.approx(5, abs=0.5)
    walk.log.wait_for("recv", 3)
    since = len(walk.log.lines)
    assert _period(walk.log.wait_for("web", 5, since, 60)) == pytest.approx(2, abs=0.5)
    assert numbers(walk.log.wait_for("job", 1))[0] == 0
    until(lambda: _answers(walk.browser), "the router serves it", 60)


def test_scaled_to_two_the_pods_alternate_and_see_one_cache(walk: Walk) -> None:
    walk.scale(2)
    since = walk.until_shared(2)
    received = walk.receivers(MESSAGES, since, 7.0 * MESSAGES)
    assert all(a != b for a, b in pairwise(received)), received
    for line in walk.log.said("recv", since):
        assert _counted(line) in (line.number, line.number + 1), line
    senders = {line.replica for line in walk.log.said("send", since)}
    assert senders == {walk.pods.holder()}


def test_without_cookies_requests_go_round_and_a_browser_stays(walk: Walk) -> None:
    until(lambda: len(_servers(walk, "UP")) == 2, "the router knows both")
    since = len(walk.log.lines)
    for _ in range(40):
        walk.cluster.browser().get(HOST, "/obnoxious")
    answered = Counter(line.replica for line in _about(walk, "/obnoxious", 40, since))
    assert len(answered) == 2
    assert all(16 <= share <= 24 for share in answered.values()), answered
    for _ in range(6):
        walk.count()
    assert len({line.replica for line in _about(walk, "/count", 6, since)}) == 1


def test_after_a_graceful_stop_of_the_holder_no_number_is_missing_or_twice(walk: Walk) -> None:
    holder = walk.pods.holder()
    (other,) = set(walk.pods.ready()) - {holder}
    since = len(walk.log.lines)
    walk.cluster.kubectl("delete", "pod", holder, "--wait=false")
    assert walk.log.wait_for("send", 2, since, patience=40)[0].replica == other
    assert walk.pods.holder("job.ajob") == other
    walk.count()
    seen = walk.log.no_gap()
    assert len(seen) == len(set(seen)), f"sent twice: {seen}"
    walk.pods.until_ready(2)
    received = walk.receivers(4, walk.until_shared(2))
    assert all(a != b for a, b in pairwise(received)), received
    _all_received(walk, seen)


@pytest.mark.usefixtures("on_this_machine")
def test_after_a_kill_of_the_holders_pod_the_counter_goes_on_elsewhere(
    walk: Walk, figures: Figures
) -> None:
    holder = walk.pods.holder()
    (other,) = set(walk.pods.ready()) - {holder}
    since = len(walk.log.lines)
    killed = kill_pod(walk.pods.all()[holder])
    first = walk.log.wait_for("send", 1, since, patience=30)[0]
    assert first.replica == other
    figures.note("pod killed -9: the next send of the demo", f"{first.at - killed:.1f} s")
    walk.log.wait_for("send", 2, since)
    seen = walk.log.no_gap()
    walk.count()
    walk.pods.until_ready(2)
    walk.receivers(4, walk.until_shared(2))
    _all_received(walk, seen)


def test_three_pods_take_thirds_and_each_key_is_on_exactly_two_members(
    walk: Walk, figures: Figures
) -> None:
    walk.scale(3)
    received = walk.receivers(6, walk.until_shared(3))
    assert sorted(received[:3]) == sorted(received[3:]) == ["demo-0", "demo-1", "demo-2"]
    walk.cluster.kubectl(
        "exec", "demo-0", "-c", "app", "-i", "--", "python", "-", stdin=_PUT_A_THOUSAND
    )
    counts = _settled(walk, "cache.thousand")
    assert sum(owned for owned, _ in counts) == 1000, counts
    assert sum(backup for _, backup in counts) == 1000, counts
    assert all(0 < owned + backup < 1000 for owned, backup in counts), counts
    walk.count()
    figures.note_memory(walk.cluster, list(walk.pods.all().values()))
    figures.note_memory(walk.cluster, walk.cluster.get("pods", "-l", _ROUTER))
    figures.note_memory(walk.cluster, walk.cluster.get("pods", "-n", "immutant-system"))


def _settled(walk: Walk, name: str) -> list[tuple[int, int]]:
    """What each member owns and backs up, once nothing moves any more."""
    looks: list[list[tuple[int, int]]] = []

    def stands_still() -> bool:
        looks.append([entries(walk.cluster, pod, name) for pod in walk.pods.all().values()])
        return len(looks) > 1 and looks[-1] == looks[-2]

    until(stands_still, "no partition moves")
    return looks[-1]


_ROUTER = "app.kubernetes.io/component=router"
_PUT_A_THOUSAND = """
import asyncio
from immutant.contract.environment import Grid
from immutant.grid import GridBackend

async def main():
    grid = await GridBackend.open(Grid.read(), replica="a test")
    await grid.caches.put_many("thousand", {f"key-{n}": b"%d" % n for n in range(1000)}, None)
    await grid.close()

asyncio.run(main())
"""


def _period(lines: list[Line]) -> float:
    """The seconds between two lines, on the average."""
    return (lines[-1].at - lines[0].at) / (len(lines) - 1)


def _answers(browser: Browser) -> bool:
    try:
        return "value" in json.loads(browser.get(HOST, "/"))
    except (urllib.error.URLError, ValueError):
        return False


def _about(walk: Walk, path: str, count: int, since: int) -> list[Line]:
    """The `web` lines about a path, once there are so many."""

    def found() -> list[Line]:
        return [line for line in walk.log.said("web", since) if path in line.text]

    walk.log.until(lambda: len(found()) >= count, f"{count} x web {path}")
    return found()


def _servers(walk: Walk, status: str) -> list[str]:
    """The pods of this status on the router's page /haproxy-status."""
    page = walk.cluster.proxied("services/demo-router:8404", "haproxy-status;csv")
    rows = [line.split(",") for line in page.splitlines()[1:] if line]
    return [row[1] for row in rows if row[0] == "app" and row[1] != "BACKEND" and row[17] == status]


def _counted(line: Line) -> int:
    """What `recv` printed of the cache."""
    value: int = json.loads(line.text.split("--> ")[1].replace("'", '"'))["value"]
    return value


def _all_received(walk: Walk, sent: list[int]) -> None:
    walk.log.until(
        lambda: set(numbers(walk.log.said("recv"))) >= set(sent), "every number was received"
    )
