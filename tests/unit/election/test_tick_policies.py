"""What becomes of ticks, and of what was asked for, where the options of a job meet."""

from typing import Any

import pytest
from tests.unit.election.test_ticks import DAY, START, Holder

from immutant import Backoff
from immutant.election.jobstate import MOST_OPEN, tick_id
from immutant.link import Command, TickDue
from immutant.schedules import Schedule

FAILED = "ValueError: no"


def begin(schedule: Schedule) -> tuple[Holder, TickDue]:
    """A holder whose first tick has begun."""
    holder = Holder(schedule)
    (first,) = holder.settle(START)
    return holder, first


def end(holder: Holder, tick: TickDue, wall: float, error: str = "") -> list[TickDue]:
    """A run ends; what is begun then."""
    holder.ticker.done(tick.id, error)
    return holder.settle(wall)


def played(holder: Holder, since: float, seconds: int) -> list[float]:
    """When that was due which is run in so many seconds, each at once and well."""
    ran = []
    for tenth in range(10 * seconds):
        for due in holder.settle(START + since + tenth / 10):
            ran.append(due.scheduled_at - START)
            holder.ticker.done(due.id, "")
    return ran


def after_a_failed_trigger(schedule: Schedule) -> Holder:
    """A run was triggered after 5 s; that it failed is heard, and not written yet."""
    holder, first = begin(schedule)
    end(holder, first, START + 1)
    (asked,) = holder.command(Command("trigger", "k"), START + 5)
    holder.ticker.done(asked.id, FAILED)
    return holder


def test_with_queue_ticks_wait_behind_a_triggered_run_that_fails() -> None:
    schedule = Schedule.of(every=10, overlap="queue", retries=1)
    holder = after_a_failed_trigger(schedule)
    assert [due for due in played(holder, 35, 10) if due in (10, 20, 30)] == [10, 20, 30]


def test_a_triggered_run_that_fails_makes_no_tick_a_missed_one() -> None:
    schedule = Schedule.of(every=10, misfire="skip", retries=1, backoff=Backoff(1, 1))
    holder = after_a_failed_trigger(schedule)
    assert 10 in played(holder, 15, 4)


@pytest.mark.parametrize("is_cut_off", [False, True])
def test_of_missed_ticks_the_latest_is_run_also_after_a_run_that_is_only_recorded(
    is_cut_off: bool,
) -> None:
    holder, first = begin(Schedule.of(every="1h", interrupted="record"))
    if not is_cut_off:
        end(holder, first, START + 1)
    holder.take_over()  # a day later
    assert [due.scheduled_at - START for due in holder.settle(START + DAY + 5)] == [DAY]


def test_no_missed_tick_is_run_with_skip_after_a_run_that_is_only_recorded() -> None:
    holder, _ = begin(Schedule.of(every="1h", interrupted="record", misfire="skip"))
    holder.take_over()
    assert holder.settle(START + DAY + 5) == []
    assert [due.scheduled_at - START for due in holder.settle(START + DAY + 3600)] == [DAY + 3600]


def test_with_cancel_a_retry_is_not_dropped_for_a_tick_that_is_not_run_either() -> None:
    schedule = Schedule.of(
        every=10, overlap="cancel", misfire="skip", retries=1, backoff=Backoff(12, 12)
    )
    holder, first = begin(schedule)
    end(holder, first, START + 5, FAILED)
    holder.take_over()
    assert holder.settle(START + 12) == [], "its retry is yet to come, and the tick of 10 is missed"
    assert [(due.id, due.attempt) for due in holder.settle(START + 14)] == [(first.id, 2)]


def test_with_cancel_a_run_that_was_cut_off_in_a_paused_job_is_run_again_at_resume() -> None:
    holder, first = begin(Schedule.of(every=10, overlap="cancel"))
    holder.command(Command("pause"), START + 1)
    holder.take_over()
    assert holder.settle(START + 12) == []
    begun = holder.command(Command("resume"), START + 15)
    assert [(due.id, due.attempt) for due in begun] == [(first.id, 2)]


@pytest.mark.parametrize(
    "options",
    [{"overlap": "queue"}, {"misfire": "all"}, {"overlap": "cancel"}, {"overlap": "allow"}],
)
def test_a_backfill_is_run_though_runs_take_longer_than_a_period(options: dict[str, Any]) -> None:
    takes = 12 if options.get("overlap") != "allow" else 12 * MOST_OPEN
    holder, first = begin(Schedule.of(every=10, **options))
    begun = [(first, 0)]
    for second in range(1, 1500):
        wall = START + second
        for name in holder.ticker.overtaken():
            holder.ticker.done(name, "CancelledError: the next tick is due")
        for due, at in begun:
            if second == at + takes:
                holder.ticker.done(due.id, "")
        if second == 400:
            begun += [
                (due, second)
                for due in holder.command(Command("backfill", "k", START - 35, START - 5), wall)
            ]
        begun += [(due, second) for due in holder.settle(wall)]
    asked = [due.scheduled_at - START for due, _ in begun if "backfill" in due.id]
    assert asked == [-30, -20, -10]
    own = [due for due, at in begun if "backfill" not in due.id and at > 400]
    assert len(own) > 50, "and the schedule goes on"


@pytest.mark.parametrize("is_triggered", [False, True])
@pytest.mark.parametrize("is_resumed", [False, True])
@pytest.mark.parametrize("is_cut_off", [False, True])
def test_what_runs_at_an_unscheduling_is_not_tried_again(
    is_triggered: bool, is_resumed: bool, is_cut_off: bool
) -> None:
    holder, running = begin(Schedule.of(every=1000, retries=3))
    if is_triggered:
        end(holder, running, START + 1)
        (running,) = holder.command(Command("trigger", "k"), START + 2)
    begun = holder.command(Command("unschedule"), START + 3)
    if is_resumed:
        begun += holder.command(Command("resume"), START + 4)
    if is_cut_off:
        holder.take_over()
    holder.ticker.done(running.id, FAILED)
    for second in range(5, 30):
        begun += holder.settle(START + second)
    assert running.id not in [due.id for due in begun]
    assert running.id not in [tick_id("job", one.due, one.key) for one in holder.state.ticks]


def test_what_is_asked_for_after_an_unscheduling_is_tried_again() -> None:
    holder, first = begin(Schedule.of(every=1000, retries=3))
    end(holder, first, START + 1)
    holder.command(Command("unschedule"), START + 2)
    (asked,) = holder.command(Command("trigger", "k"), START + 3)
    holder.command(Command("unschedule"), START + 4)
    end(holder, asked, START + 5, FAILED)
    assert [(due.id, due.attempt) for due in holder.settle(START + 9)] == [(asked.id, 2)]


def test_what_waited_already_before_a_pause_is_passed_over_at_resume_too() -> None:
    holder, first = begin(Schedule.of(every=10, overlap="queue"))
    (second,) = end(holder, first, START + 35)
    assert second.scheduled_at == START + 10
    holder.command(Command("pause"), START + 36)
    end(holder, second, START + 37)
    holder.command(Command("resume"), START + 38)
    assert played(holder, 38, 8) == [40]
