"""Applications that freeze by themselves, hang or hold the interpreter, and what guards them."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.walk.laptop import Laptop
from tests.walk.waiting import await_event
from witness import Event, overlaps, witnessed

from immutant.serve.kernel_timer import KernelTimer

APP = Path(__file__).parent / "apps" / "silent.py"

Start = Callable[..., Laptop]

on_linux = pytest.mark.skipif(not KernelTimer.is_supported(), reason="no timer that kills here")


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "witness"
    monkeypatch.setenv("WITNESS", str(path))
    return path


@pytest.fixture
def start(tmp_path: Path, witness: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    runs: list[Laptop] = []

    def start(silent: str, guard: str) -> Laptop:
        monkeypatch.setenv("SILENT", silent)
        monkeypatch.setenv("GUARD", guard)
        runs.append(Laptop(tmp_path, APP, 2))
        return runs[-1]

    yield start
    for run in runs:
        run.close()


def beats(events: list[Event]) -> list[Event]:
    return [event for event in events if event.what == "beat"]


def successor(witness: Path, than: int) -> Event:
    """The first beat of a later tenure, waiting for it."""

    def later(events: list[Event]) -> list[Event]:
        return [event for event in beats(events) if int(event.details[-1]) > than]

    await_event(witness, lambda events: bool(later(events)))
    return later(witnessed(witness))[0]


def now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def await_silence(witness: Path, since: float) -> None:
    """Give whoever has just woken a second in which to write."""
    await_event(witness, lambda events: events[-1].at > since + 1.0)


def is_said(run: Laptop, text: str) -> None:
    run.until(lambda: any(text in line.text for line in run.lines), f"it says: {text}")


@on_linux
def test_a_replica_with_a_hard_deadline_writes_nothing_when_it_wakes(
    start: Start, witness: Path
) -> None:
    run = start("def-deaf", "hard_deadline")
    await_event(witness, lambda events: bool(beats(events)))
    frozen = run.holder("daemon.beating")
    (child,) = run.processes(frozen, "child")
    run.freeze_or_wake(frozen, signal.SIGSTOP)
    before = beats(witnessed(witness))[-1]
    assert before.pid == child
    begun = successor(witness, int(before.details[-1]))
    Laptop.send(child, signal.SIGCONT)  # alone: nobody can kill it before it goes on
    await_silence(witness, since=now())
    run.freeze_or_wake(frozen, signal.SIGCONT)
    late = [one for one in witnessed(witness) if one.pid == child and one.at > begun.at]
    assert late == []
    run.until_up(replicas=2)
    assert overlaps(beats(witnessed(witness))) == []


KERNEL = "the kernel has killed it"
SUPERVISOR = "does not answer (alive_within) and is killed"


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        pytest.param("hard_deadline", KERNEL, marks=on_linux),
        ("alive_within", SUPERVISOR),
    ],
)
def test_a_daemon_that_holds_the_interpreter_for_ten_seconds_goes_on_elsewhere(
    start: Start, witness: Path, guard: str, said: str
) -> None:
    run = start("holds", guard)
    await_event(witness, lambda events: any(event.what == "silent" for event in events))
    (first,) = witnessed(witness, "silent")
    begun = successor(witness, int(first.details[-1]))
    # 2.5 s of deadline and 1 s of margin from the last renewal that was read; then a take-over.
    assert begun.at - first.at < 6.0
    assert begun.pid != first.pid
    is_said(run, said)


@pytest.mark.parametrize("guard", [pytest.param("hard_deadline", marks=on_linux), "alive_within"])
def test_an_application_that_is_frozen_alone_is_ended_and_its_daemon_goes_on_elsewhere(
    start: Start, witness: Path, guard: str
) -> None:
    run = start("", guard)
    await_event(witness, lambda events: bool(beats(events)))
    (child,) = run.processes(run.holder("daemon.beating"), "child")
    Laptop.send(child, signal.SIGSTOP)
    frozen, before = now(), beats(witnessed(witness))[-1]
    begun = successor(witness, int(before.details[-1]))
    assert begun.at - frozen < 6.0
    assert overlaps(beats(witnessed(witness))) == []


def test_a_replica_that_was_frozen_as_a_whole_is_not_taken_for_silent(
    start: Start, witness: Path
) -> None:
    run = start("", "alive_within")
    await_event(witness, lambda events: bool(beats(events)))
    holder = run.holder("daemon.beating")
    (child,) = run.processes(holder, "child")
    run.freeze_or_wake(holder, signal.SIGSTOP)
    frozen = now()
    # Longer than alive_within, and well before the deadline that it had when it was frozen.
    await_event(witness, lambda _: now() > frozen + 1.8)
    run.freeze_or_wake(holder, signal.SIGCONT)
    await_event(witness, lambda _: now() > frozen + 4.5)
    assert run.processes(holder, "child") == [child]
    assert not any("is killed" in line.text for line in run.lines)


def test_without_a_guard_an_application_that_is_frozen_alone_keeps_its_daemon(
    start: Start, witness: Path
) -> None:
    run = start("", "")
    await_event(witness, lambda events: bool(beats(events)))
    (child,) = run.processes(run.holder("daemon.beating"), "child")
    Laptop.send(child, signal.SIGSTOP)
    frozen = now()
    await_event(witness, lambda _: now() > frozen + 4.5)  # longer than the lease
    assert [one for one in witnessed(witness) if one.at > frozen + 0.1] == []
    Laptop.send(child, signal.SIGCONT)
    await_event(witness, lambda events: beats(events)[-1].at > frozen + 4.5)
    assert overlaps(beats(witnessed(witness))) == []


def test_a_daemon_that_awaits_for_ever_is_begun_again_in_another_tenure(
    start: Start, witness: Path
) -> None:
    run = start("hangs", "alive_within")
    await_event(witness, lambda events: any(event.what == "silent" for event in events))
    (first,) = witnessed(witness, "silent")
    begun = successor(witness, int(first.details[-1]))
    assert begun.at - first.at < 4.0
    is_said(run, "no sign of life within 1.5 s")
    replicas = [run.processes(name, "child") for name in ("demo-0", "demo-1")]
    assert [first.pid] in replicas, "its application lives on"


def test_a_daemon_that_hangs_in_a_thread_is_ended_with_its_application(
    start: Start, witness: Path
) -> None:
    run = start("def-hangs", "alive_within")
    await_event(witness, lambda events: any(event.what == "begin" for event in events))
    first = witnessed(witness, "begin")[0]
    begun = successor(witness, int(first.details[-1]))
    assert begun.at - first.at < 8.0
    is_said(run, "did not stop at the end of a tenure and is killed")
