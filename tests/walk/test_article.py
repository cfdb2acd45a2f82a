"""The article, step by step, embedded: `immutant run` on the example as a reader runs it."""

import http.cookiejar
import itertools
import json
import time
import urllib.request
from pathlib import Path

import pytest
from tests.log import Line, numbers
from tests.walk.laptop import Laptop, laptop

DEMO = Path(__file__).parents[2] / "examples" / "cluster-demo" / "app.py"


def get(run: Laptop, path: str) -> str:
    with urllib.request.urlopen(run.url(path), timeout=5) as answer:
        body: bytes = answer.read()
        return body.decode()


def about(run: Laptop, path: str, count: int) -> list[Line]:
    """The `web` lines about a path, once there are so many."""

    def found() -> list[Line]:
        return [line for line in run.said("web") if path in line.text]

    run.until(lambda: len(found()) >= count, f"{count} x web {path}")
    return found()


def others(run: Laptop, replica: str) -> list[str]:
    return [str(gear["name"]) for gear in run.gears() if gear["name"] != replica]


def up(run: Laptop) -> float:
    """When the first replica answered its first health check."""
    return run.wait_for("web", 1)[0].at


def test_one_replica_settles_into_four_kinds_of_lines(tmp_path: Path) -> None:
    with laptop(tmp_path, DEMO, 1) as run:
        sends = run.wait_for("send", 3)
        gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(sends)]
        assert all(4.5 < gap < 5.5 for gap in gaps), gaps
        run.wait_for("recv", 3)
        webs = run.wait_for("web", 4)[-3:]
        assert all(1.5 < b.at - a.at < 2.5 for a, b in itertools.pairwise(webs))
        assert numbers(run.wait_for("job", 1)) == [0]
        assert run.interrupt() == 0


def test_scaled_to_two_the_replicas_take_turns_and_see_one_cache(tmp_path: Path) -> None:
    with laptop(tmp_path, DEMO, 1) as run:
        run.wait_for("send")
        run.verb("scale", "2")
        run.until(lambda: any(line.replica == "demo-1" for line in run.said("web")), "demo-1 is up")
        since = len(run.lines)
        received = run.wait_for("recv", 4, since, patience=40)
        assert [line.replica for line in received[:2]] * 2 == [line.replica for line in received]
        assert received[0].replica != received[1].replica
        for line in received:
            counted = json.loads(line.text.split("--> ")[1].replace("'", '"'))["value"]
            assert counted in (line.number, line.number + 1), line


def test_a_graceful_stop_moves_daemon_and_job_with_no_number_missing_or_twice(
    tmp_path: Path,
) -> None:
    with laptop(tmp_path, DEMO, 2) as run:
        run.wait_for("send", 1)
        first = run.holder("daemon.counter")
        (other,) = others(run, first)
        run.verb("stop", first)
        since = len(run.lines)
        sent = run.wait_for("send", 2, since)
        assert {line.replica for line in sent} == {other}
        assert run.holder("job.ajob") == other
        seen = run.no_gap()
        assert len(seen) == len(set(seen)), f"sent twice: {seen}"
        received = run.wait_for("recv", len(seen))
        assert sorted(numbers(received)) == list(range(len(received)))

        run.verb("start", first)
        since = len(run.lines)
        received = run.wait_for("recv", 4, since, patience=40)
        assert {line.replica for line in received} == {first, other}


@pytest.mark.parametrize("parts", [("child",), ("coordinator", "supervisor", "child")])
def test_a_kill_moves_the_daemon_within_a_second_with_no_number_missing(
    tmp_path: Path, parts: tuple[str, ...]
) -> None:
    with laptop(tmp_path, DEMO, 2) as run:
        run.wait_for("send", 1)
        first = run.holder("daemon.counter")
        since = len(run.lines)
        killed = time.monotonic()
        run.kill(first, *parts)
        sent = run.wait_for("send", 1, since)
        assert sent[0].at - killed < 1.0
        run.wait_for("send", 2, since)
        seen = run.no_gap()
        # The kill may have come between a send and its count: that number alone is sent again.
        assert len(seen) - len(set(seen)) <= 1
        run.until(lambda: set(numbers(run.said("recv"))) >= set(seen), "all numbers are received")


def test_a_kill_moves_the_daemon_within_a_second_after_a_replica_has_left_and_coordinators_died(
    tmp_path: Path,
) -> None:
    # A death is to be seen by itself, not only once a successor says hello.
    app, slow = tmp_path / "app.py", tmp_path / "slow"
    delay = f"import pathlib, time\nif pathlib.Path({str(slow)!r}).exists(): time.sleep(5)\n"
    app.write_text(delay + DEMO.read_text())
    with laptop(tmp_path, app, 3) as run:
        run.until_up(3)
        run.verb("stop", "demo-2")
        # Started again, the coordinators have to find the lock by which they see a death.
        run.kill("demo-0", "coordinator")
        run.kill("demo-1", "coordinator")
        since = len(run.lines)
        run.wait_for("send", 2, since)
        since = len(run.lines)
        slow.touch()
        killed = time.monotonic()
        run.kill(run.said("send")[-1].replica, "child")
        assert run.wait_for("send", 1, since)[0].at - killed < 1.0
        run.no_gap()


def test_a_session_goes_on_after_the_replica_that_answered_has_stopped(tmp_path: Path) -> None:
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with laptop(tmp_path, DEMO, 2) as run:
        run.wait_for("web", 2)

        def count() -> str:
            with browser.open(run.url("/count"), timeout=5) as answer:
                body: bytes = answer.read()
                return body.decode()

        assert [count(), count(), count()] == ["1 times", "2 times", "3 times"]
        answered = {line.replica for line in about(run, "/count", 3)}
        assert len(answered) == 1, "a browser stays where it is"
        run.verb("stop", answered.pop())
        assert count() == "4 times"


def test_without_cookies_requests_go_round_and_three_replicas_take_thirds(tmp_path: Path) -> None:
    with laptop(tmp_path, DEMO, 3) as run:
        run.until_up(3)  # as the router sees it: a replica says `web` before the router hears it
        for _ in range(9):
            get(run, "/obnoxious")
        asked = [line.replica for line in about(run, "/obnoxious", 9)]
        assert {replica: asked.count(replica) for replica in asked} == {
            "demo-0": 3,
            "demo-1": 3,
            "demo-2": 3,
        }
        received = run.wait_for("recv", 7, patience=60)[-6:]
        takers = [line.replica for line in received]
        assert sorted(takers[:3]) == sorted(takers[3:]) == ["demo-0", "demo-1", "demo-2"]


def test_ctrl_c_ends_everything_gracefully_and_a_second_run_goes_on(tmp_path: Path) -> None:
    with laptop(tmp_path, DEMO, 2) as run:
        run.wait_for("send", 1)
        assert run.interrupt() == 0
        seen = numbers(run.said("send"))
    with laptop(tmp_path, DEMO, 2) as run:
        again = run.wait_for("send", 1)
        assert again[0].number == max(seen) + 1
        assert again[0].at - up(run) < 2.0, "what was given back is taken at once"


def test_after_a_kill_of_everything_at_once_a_second_run_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    with laptop(tmp_path, DEMO, 2) as run:
        run.wait_for("send", 2)
        run.kill_all()
        seen = numbers(run.said("send"))
    with laptop(tmp_path, DEMO, 2) as run:
        again = run.wait_for("send", 1)
        assert again[0].number in (max(seen), max(seen) + 1)
        assert again[0].at - up(run) < 2.0, "the kernel says who is dead; nobody has to wait"


def test_when_the_launcher_dies_its_replicas_end_by_themselves(tmp_path: Path) -> None:
    with laptop(tmp_path, DEMO, 2) as run:
        run.wait_for("send", 1)
        parts = run.everything()
        assert len(parts) == 6
        run.process.kill()
        run.process.wait()
        deadline = time.monotonic() + 15
        while any(Path(f"/proc/{pid}").exists() for pid in parts):
            assert time.monotonic() < deadline, "they outlive the launcher"
            time.sleep(0.05)
