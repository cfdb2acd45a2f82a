"""Replicas that freeze past their deadline and wake up again, and code that will not stop."""

import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.walk.laptop import Laptop, laptop
from tests.walk.waiting import await_event
from witness import Event, overlaps, witnessed

APP = Path(__file__).parent / "apps" / "stubborn.py"


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "witness"
    monkeypatch.setenv("WITNESS", str(path))
    return path


@pytest.fixture
def run(tmp_path: Path, witness: Path) -> Iterator[Laptop]:
    with laptop(tmp_path, APP, 2) as run:
        await_event(witness, lambda events: len(kinds(events)) == 2)
        yield run


def kinds(events: list[Event]) -> set[str]:
    return {event.what for event in events}


def tokens(witness: Path, what: str) -> set[int]:
    """The tokens of those who did this; a token is always the last detail."""
    return {int(event.details[-1]) for event in witnessed(witness, what)}


def assert_numbers_and_tokens_only_grow(witness: Path) -> None:
    accepted = [tuple(map(int, event.details)) for event in witnessed(witness, "accepted")]
    accepted.sort()
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(accepted))


def test_a_replica_frozen_past_its_deadline_writes_nothing_that_its_successor_has_touched(
    run: Laptop, witness: Path
) -> None:
    frozen = run.holder("daemon.writing")
    before = tokens(witness, "accepted")
    run.freeze_or_wake(frozen, signal.SIGSTOP)
    # The successor reads the entry, which stamps it, and writes it.
    await_event(witness, lambda _: bool(tokens(witness, "accepted") - before))
    woken = len(witnessed(witness))
    run.freeze_or_wake(frozen, signal.SIGCONT)
    await_event(witness, lambda events: len(events) > woken + 200)
    assert run.holder("daemon.writing") != frozen
    assert_numbers_and_tokens_only_grow(witness)
    beats = overlaps(witnessed(witness, "beat"))
    assert len(beats) <= 1, "a process that wakes may finish the beat it had begun, no more"


def test_code_that_ignores_its_deadline_is_killed_before_its_successor_begins(
    run: Laptop, witness: Path
) -> None:
    # Only the coordinator freezes: renewals end, and the application can hear nothing of it.
    holder = run.holder("daemon.deaf")
    before = tokens(witness, "beat")
    (coordinator,) = run.processes(holder, "coordinator")
    Laptop.send(coordinator, signal.SIGSTOP)
    await_event(witness, lambda _: bool(tokens(witness, "beat") - before))
    Laptop.send(coordinator, signal.SIGCONT)
    assert overlaps(witnessed(witness, "beat")) == []
    assert_numbers_and_tokens_only_grow(witness)
    run.until(
        lambda: any("did not stop at the end" in line.text for line in run.lines),
        "the supervisor says that it killed",
    )


def test_a_frozen_application_is_ended_by_a_stop_and_its_daemon_goes_elsewhere(
    tmp_path: Path, witness: Path
) -> None:
    with laptop(tmp_path, APP, 2, "--grace", "1") as run:
        await_event(witness, lambda events: len(kinds(events)) == 2)
        frozen = run.holder("daemon.writing")
        before = tokens(witness, "accepted")
        (child,) = run.processes(frozen, "child")
        Laptop.send(child, signal.SIGSTOP)
        assert "is stopped" in run.verb("stop", frozen)
        await_event(witness, lambda _: bool(tokens(witness, "accepted") - before))
        assert run.holder("daemon.writing") != frozen
        assert "is starting" in run.verb("start", frozen)


def test_code_that_ignores_a_graceful_stop_is_killed_at_the_end_of_the_grace(
    tmp_path: Path, witness: Path
) -> None:
    with laptop(tmp_path, APP, 2, "--grace", "1") as run:
        await_event(witness, lambda events: len(kinds(events)) == 2)
        before = tokens(witness, "beat")
        run.verb("stop", run.holder("daemon.deaf"))
        await_event(witness, lambda _: bool(tokens(witness, "beat") - before))
        assert overlaps(witnessed(witness, "beat")) == []
