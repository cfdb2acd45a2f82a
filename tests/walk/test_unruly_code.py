"""User code that exits, blocks, forks, cancels: the guarantees hold, and the rest goes on."""

import signal
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.walk.laptop import Laptop
from tests.walk.waiting import await_event
from witness import Event, overlaps, witnessed

APP = Path(__file__).parent / "apps" / "unruly.py"

Start = Callable[..., Laptop]


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "witness"
    monkeypatch.setenv("WITNESS", str(path))
    return path


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    runs: list[Laptop] = []

    def start(unruly: str = "", replicas: int = 1) -> Laptop:
        monkeypatch.setenv("UNRULY", unruly)
        runs.append(Laptop(tmp_path, APP, replicas))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


def of(events: list[Event], what: str) -> list[Event]:
    return [event for event in events if event.what == what]


def tokens(events: list[Event], what: str) -> set[int]:
    return {int(event.details[-1]) for event in of(events, what)}


def test_a_replica_whose_application_ended_by_itself_stands_again(
    start: Start, witness: Path
) -> None:
    run = start()
    await_event(witness, lambda events: bool(of(events, "beat")))
    before = tokens(witnessed(witness), "beat")
    (child,) = run.processes("demo-0", "child")
    Laptop.send(child, signal.SIGTERM)
    await_event(witness, lambda events: bool(tokens(events, "beat") - before))


@pytest.mark.parametrize("unruly", ["exits", "cancels"])
def test_a_daemon_that_exits_or_cancels_itself_is_a_failure_of_its_own(
    start: Start, witness: Path, unruly: str
) -> None:
    run = start(unruly)
    await_event(witness, lambda events: len(of(events, "odd")) >= 3)
    assert len(tokens(witnessed(witness), "beat")) == 1, "the others' tenures go on"
    assert any("daemon 'odd' failed" in line.text for line in run.lines)
    begun = [event.at for event in of(witnessed(witness), "odd")]
    assert begun[2] - begun[0] > 0.9, "with growing pauses"


def test_a_loop_that_is_blocked_past_the_deadline_costs_no_tenure(
    start: Start, witness: Path
) -> None:
    start("busy")
    await_event(witness, lambda events: bool(of(events, "odd")))
    blocked = of(witnessed(witness), "odd")[0].at
    await_event(witness, lambda events: events[-1].at > blocked + 5.0)
    await_event(
        witness, lambda events: any(one.at > blocked + 5.0 for one in of(events, "tick-ends"))
    )
    assert len(tokens(witnessed(witness), "beat")) == 1
    assert len(tokens(witnessed(witness), "odd")) == 1


@pytest.mark.parametrize("what", ["beat", "threaded-beat"])
def test_a_step_in_a_thread_ends_before_the_successor_begins(
    start: Start, witness: Path, what: str
) -> None:
    run = start(replicas=2)
    await_event(witness, lambda events: bool(of(events, what)))
    before = tokens(witnessed(witness), what)
    name = {"beat": "daemon.slow", "threaded-beat": "daemon.threaded"}[what]
    run.kill(run.holder(name), "coordinator")
    await_event(witness, lambda events: bool(tokens(events, what) - before))
    assert overlaps(witnessed(witness, what)) == []


def test_a_worker_that_user_code_forks_dies_alone(start: Start, witness: Path) -> None:
    start("forks")
    await_event(witness, lambda events: bool(of(events, "joined")))
    await_event(witness, lambda events: events[-1].at > of(events, "joined")[0].at + 2.0)
    assert len(tokens(witnessed(witness), "beat")) == 1


def test_a_run_that_finds_its_tenure_lost_is_run_again(start: Start, witness: Path) -> None:
    start("late")
    await_event(witness, lambda events: len(of(events, "tick-ends")) >= 1, patience=40)
    begun = of(witnessed(witness), "tick-begins")
    ended = of(witnessed(witness), "tick-ends")[0]
    assert begun[0].details[0] == ended.details[0]
    assert int(ended.details[1]) >= 2


@pytest.mark.parametrize("unruly", ["stale", "hangs"])
def test_a_job_that_gives_up_its_tenure_is_held_again(
    start: Start, witness: Path, unruly: str
) -> None:
    # "stale": a worker that it forked holds copies of all sockets, and must not keep them open.
    # "hangs": what it began in a thread never ends; the supervisor ends it with the process.
    start(unruly)
    await_event(witness, lambda events: len(of(events, "tick-ends")) >= 1, patience=40)
    ended = of(witnessed(witness), "tick-ends")[0]
    assert int(ended.details[1]) >= 2


def test_a_thread_begun_while_ending_is_waited_for(start: Start, witness: Path) -> None:
    run = start("flushes", replicas=2)
    await_event(witness, lambda events: bool(of(events, "odd")))
    before = tokens(witnessed(witness), "odd")
    run.kill(run.holder("daemon.odd"), "coordinator")
    await_event(witness, lambda events: bool(tokens(events, "odd") - before))
    assert overlaps(witnessed(witness, "flush")) == []


def test_a_handler_that_raises_no_exception_costs_its_message_alone(
    start: Start, witness: Path
) -> None:
    run = start()
    run.until_up()
    for number in (1, 13, 14, 2, 3):
        urllib.request.urlopen(
            urllib.request.Request(run.url(f"/send/{number}"), method="POST"), timeout=5
        ).close()
    await_event(
        witness, lambda events: {"1", "2", "3"} <= {e.details[0] for e in of(events, "received")}
    )

    def tries(number: str) -> int:
        return Counter(e.details[0] for e in witnessed(witness, "received"))[number]

    await_event(witness, lambda _: tries("13") == tries("14") == 2)
    run.until(lambda: sum("dead letter" in line.text for line in run.lines) == 2, "both are buried")
