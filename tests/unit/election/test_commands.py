"""Commands to a job, each a function from state to state."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.election.test_jobstate import states

from immutant.election.commands import commanded
from immutant.election.jobstate import MOST_ASKED, JobState, OpenTick
from immutant.errors import RequestRefusedError
from immutant.link import Command

NOW = 2.6e9

commands = st.sampled_from(
    [
        Command("pause"),
        Command("resume"),
        Command("unschedule"),
        Command("trigger", "k"),
        Command("backfill", "k", 1.7e9, 1.8e9),
    ]
)


@settings(deadline=None)
@given(state=states, command=commands)
def test_to_ask_twice_is_to_ask_once(state: JobState, command: Command) -> None:
    try:
        once = commanded(state, command, NOW)
    except RequestRefusedError:
        assert len(state.asked) == MOST_ASKED
        return
    assert commanded(once, command, NOW + 1) == once


@settings(deadline=None)
@given(state=states, command=commands)
def test_a_command_leaves_what_was_claimed_and_what_runs_as_it_is(
    state: JobState, command: Command
) -> None:
    try:
        after = commanded(state, command, NOW)
    except RequestRefusedError:
        return
    assert (after.count, after.runs) == (state.count, state.runs)
    assert (after.last or 0.0) >= (state.last or 0.0)
    assert running(after) == running(state)


def running(state: JobState) -> list[OpenTick]:
    """What runs, whatever may follow it."""
    return [replace(one, final=False) for one in state.ticks if one.retry is None]


def test_a_repeated_unscheduling_forgets_nothing_that_was_asked_for_since() -> None:
    state = commanded(JobState("s", 1.7e9), Command("unschedule"), NOW)
    state = commanded(state, Command("trigger", "k"), NOW)
    assert commanded(state, Command("unschedule"), NOW) == state


@pytest.mark.parametrize("since", [-6e10, -1.0])
def test_a_backfill_up_to_the_epoch_is_still_one_when_it_is_read(since: float) -> None:
    state = commanded(JobState("s", 1.7e9), Command("backfill", "k", since, 0.0), NOW)
    assert JobState.from_body(state.to_body()) == state


def test_unscheduling_gives_up_retries() -> None:
    waiting = OpenTick(1.7e9, 1, failures=1, retry=1.8e9)
    state = commanded(JobState("s", 1.7e9, ticks=(waiting,)), Command("unschedule"), NOW)
    assert state.ticks == ()


def test_so_many_wait_and_no_more() -> None:
    state = JobState("s", 1.7e9)
    for number in range(MOST_ASKED):
        state = commanded(state, Command("trigger", f"k{number}"), NOW)
    with pytest.raises(RequestRefusedError, match="wait already"):
        commanded(state, Command("trigger", "one-too-many"), NOW)
    assert commanded(state, Command("trigger", "k3"), NOW) == state


def test_a_backfill_of_the_future_is_refused() -> None:
    with pytest.raises(RequestRefusedError, match="must not lie ahead"):
        commanded(JobState("s", 1.7e9), Command("backfill", "k", 1.7e9, NOW + 3), NOW)


def test_a_backfill_up_to_now_is_taken_by_a_calendar_that_is_a_bit_behind() -> None:
    """As that of a cluster is: by up to a second."""
    state = commanded(JobState("s", 1.7e9), Command("backfill", "k", 1.7e9, NOW + 1), NOW)
    assert [one.until for one in state.asked] == [NOW], "the schedule does what is due after it"
