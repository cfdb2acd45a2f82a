"""The article, step by step, on three real nodes, by the commands that a reader types.

The tests of this module are one walk, in the article's order: each begins where the last one ended.
"""

import json
import os
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import terminal
from tests.e2e.chromium import Chromium
from tests.e2e.cluster import Browser, Cluster, Pods, until
from tests.e2e.faults import kill_pod
from tests.e2e.figures import Figures
from tests.e2e.members import entries
from tests.e2e.terminal import Following
from tests.integration.remote.repository import Repository
from tests.log import Line, numbers
from tests.machine import BROWSER, need

SOURCE = Path(__file__).parents[2] / "examples" / "cluster-demo" / "app.py"
HOST = "demo.example.org"
PAGE = f"http://{HOST}/"
MESSAGES = 20


class Walk:
    """The demo on its cluster, and the browser that walks along."""

    def __init__(self, cluster: Cluster, pods: Pods, repository: Repository) -> None:
        self.cluster = cluster
        self.repository = repository
        self.pods = pods
        self.log = pods.log
        self.browser = cluster.browser()
        self.counted = 0

    def scale(self, replicas: int) -> float:
        """`immutant scale`, until so many pods are ready; the seconds it took."""
        assert f"demo: {replicas} replicas" in terminal.immutant("scale", "demo", str(replicas))
        return self.pods.until_ready(replicas)

    def push(self, *, status: int = 0) -> str:
        """`git push demo main`, and what it says."""
        ended = self.repository.try_git("push", "demo", "main")
        assert ended.returncode == status, ended.stderr
        return ended.stderr

    def gears(self) -> dict[str, Any]:
        """What `immutant gears` lists, by pod."""
        listed = json.loads(terminal.immutant("gears", "demo", "-o", "json"))
        return {one["name"]: one for one in listed}

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
def walk(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    cluster.kubectl("wait", "pod", "-l", "immutant.org/app=demo", "--for=delete", "--timeout=60s")
    with Pods(cluster, "demo") as pods:
        kubeconfig, folder = Path(os.environ["KUBECONFIG"]), tmp_path_factory.mktemp("article")
        repository = Repository(folder, kubeconfig, "default", terminal.PATIENCE)
        yield Walk(cluster, pods, repository)
    terminal.immutant("delete", "demo", "--yes")


def test_created_it_shows_a_page_that_names_it_and_says_how_to_deploy(
    walk: Walk, figures: Figures
) -> None:
    began = time.monotonic()
    said = terminal.immutant("create", "demo", "--replicas", "1", "--host", HOST)
    figures.note("immutant create, until it is served", f"{time.monotonic() - began:.0f} s")
    assert PAGE.rstrip("/") in said
    assert "git remote add demo immutant://" in said
    until(lambda: "demo is running" in _page(walk.browser), "the router serves it", 60)
    need(*BROWSER)
    with Chromium(walk.cluster.ingress) as chromium:
        shown = chromium.open(PAGE)
    assert "demo is running" in shown
    assert "demo-0" in shown
    assert "git push demo main" in shown


def test_pushed_by_git_its_code_takes_the_pages_place(walk: Walk, figures: Figures) -> None:
    walk.repository.commit({"app.py": SOURCE.read_text()}, "The article's demo")
    walk.repository.git("remote", "set-url", "demo", "immutant://demo")
    since = len(walk.log.lines)
    began = time.monotonic()
    said = walk.push()
    figures.note("git push, until the new version runs", f"{time.monotonic() - began:.0f} s")
    assert "demo-0" in said
    assert PAGE.rstrip("/") in said
    walk.log.wait_for("send", 1, since)
    assert "Everything up-to-date" in walk.push()
    assert "archive" in terminal.immutant("apps")


def test_it_settles_into_four_kinds_of_lines(walk: Walk) -> None:
    walk.pods.until_ready(1)  # the second one, of the push, has gone
    since = len(walk.log.lines)
    assert _period(walk.log.wait_for("send", 4, since, 60)) == pytest.approx(5, abs=0.5)
    walk.log.wait_for("recv", 3, since)
    assert _period(walk.log.wait_for("web", 5, since, 60)) == pytest.approx(2, abs=0.5)
    assert numbers(walk.log.wait_for("job", 1))[0] == 0
    until(lambda: _answers(walk.browser), "the router serves it", 60)


def test_a_broken_push_says_what_is_wrong_and_leaves_the_old_version_serving(walk: Walk) -> None:
    walk.repository.commit({"app.py": "import nothing_of_that_name\n"}, "Break it")
    since = len(walk.log.lines)
    said = walk.push(status=1)
    assert "nothing_of_that_name" in said
    assert "value" in json.loads(walk.browser.get(HOST, "/"))
    walk.log.wait_for("send", 1, since)
    said = terminal.immutant("rollback", "demo")
    assert "The article's demo" in said
    walk.pods.until_ready(1)
    walk.repository.git("reset", "-q", "--hard", "HEAD~1")
    assert [line[:1] for line in terminal.immutant("history", "demo").splitlines()[1:]] == [
        " ",
        "*",
    ]


def test_scaled_to_two_the_pods_alternate_and_see_one_cache(walk: Walk) -> None:
    walk.scale(2)
    with Following("logs", "-f", "demo", "--tail", "1") as logs:
        logs.until("demo-0 | recv", "demo-1 | recv", "demo-0 | web", "demo-1 | web")
    gears = walk.gears()
    assert sorted(gears) == ["demo-0", "demo-1"]
    assert all(one["ready"] and one["member"] and one["node"] for one in gears.values()), gears
    held = sorted(name for one in gears.values() for name in one["singletons"])
    assert held == ["daemon.counter", "job.ajob"]
    assert sum(one["entries"] for one in gears.values()) >= 2, "value and job, at least"
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


def test_a_real_browser_stays_on_its_pod_and_counts(walk: Walk) -> None:
    need(*BROWSER)
    since = len(walk.log.lines)
    with Chromium(walk.cluster.ingress) as chromium:
        counted = [chromium.open(f"{PAGE}count") for _ in range(4)]
    assert counted == [f"{number} times" for number in range(1, 5)]
    assert len({line.replica for line in _about(walk, "/count", 4, since)}) == 1


def test_a_stopped_node_hands_over_and_stays_a_pod_until_it_is_started(
    walk: Walk, figures: Figures
) -> None:
    holder = walk.pods.holder()
    (other,) = set(walk.pods.ready()) - {holder}
    uid = walk.pods.all()[holder]["metadata"]["uid"]
    since = len(walk.log.lines)
    began = time.monotonic()
    assert f"{holder} is stopped" in terminal.immutant("stop", holder)
    figures.note("immutant stop, until the node has left", f"{time.monotonic() - began:.0f} s")
    sent = walk.log.wait_for("send", 2, since, patience=40)
    assert sent[-1].replica == other
    both = ["daemon.counter", "job.ajob"]
    until(lambda: walk.gears()[other]["singletons"] == both, "both have moved")
    until(lambda: not walk.gears()[holder]["ready"], "the kubelet has noticed")
    assert walk.gears()[holder]["state"] == "stopped"
    walk.count()
    received = walk.receivers(4, len(walk.log.lines), 40.0)
    assert set(received) == {other}, "it consumes all messages"
    assert f"{holder} is starting" in terminal.immutant("start", holder)
    walk.pods.until_ready(2)
    pod = walk.pods.all()[holder]
    assert pod["metadata"]["uid"] == uid, "the pod has stayed"
    containers = [*pod["status"]["initContainerStatuses"], *pod["status"]["containerStatuses"]]
    assert all(one["restartCount"] == 0 for one in containers), containers
    received = walk.receivers(4, walk.until_shared(2))
    assert all(a != b for a, b in pairwise(received)), received
    seen = walk.log.no_gap()
    assert len(seen) == len(set(seen)), f"sent twice: {seen}"
    _all_received(walk, seen)


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


def _page(browser: Browser) -> str:
    """What the app's page says; "": it is not served yet."""
    try:
        return browser.get(HOST, "/")
    except urllib.error.URLError:
        return ""


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
