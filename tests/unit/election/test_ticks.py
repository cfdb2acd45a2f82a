"""The ticker against a plain reference: every due instant is claimed, passed over or pending."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from immutant.election.commands import commanded
from immutant.election.dues import ON_TIME, Dues
from immutant.election.jobstate import JobState
from immutant.election.ticks import Ticker
from immutant.link import Command, TickDue
from immutant.schedules import Misfire, Schedule

START = 1_800_000_000.0
DAY = 86_400.0


class Holder:
    """One member after the other, each with its ticker, over one record."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.body = ""
        self.ticker = Ticker("job", schedule)
        self.take_over()

    def take_over(self) -> None:
        self.ticker = Ticker("job", self.schedule)
        self.ticker.begin(self.body)

    def step(self, wall: float, *, lands: bool = True) -> TickDue | None:
        body = self.ticker.propose(wall, claim=True)
        if body is None:
            return None
        if not lands:
            self.ticker.failed()
            return None
        self.body = body
        return self.ticker.committed(body, not_after=1e12)

    def settle(self, wall: float) -> list[TickDue]:
        """Step until nothing is to be begun; what was."""
        begun = []
        while (body := self.ticker.propose(wall, claim=True)) is not None:
            self.body = body
            if (due := self.ticker.committed(body, not_after=1e12)) is not None:
                begun.append(due)
        return begun

    def command(self, command: Command, wall: float) -> list[TickDue]:
        """A command lands, and the holder sees it on its watch; what is begun then."""
        self.body = commanded(self.state, command, wall).to_body()
        self.ticker.seen(self.body)
        return self.settle(wall)

    @property
    def state(self) -> JobState:
        state = JobState.from_body(self.body)
        assert state is not None
        return state


def test_the_first_holder_begins_now_and_owes_nothing_for_the_past() -> None:
    holder = Holder(Schedule.of(every=10))
    due = holder.step(START)
    assert due is not None
    assert (due.scheduled_at, due.attempt) == (START, 1)


def test_a_claim_that_did_not_land_is_claimed_again() -> None:
    holder = Holder(Schedule.of(every=10))
    assert holder.step(START, lands=False) is None
    due = holder.step(START + 0.5)
    assert due is not None


def test_an_end_is_written_at_once_so_that_a_successor_does_not_run_it_again() -> None:
    holder = Holder(Schedule.of(every=10))
    due = holder.step(START)
    assert due is not None
    holder.ticker.done(due.id, "")
    assert holder.step(START + 1) is None
    assert holder.state.ticks == ()
    holder.take_over()
    assert holder.step(START + 2) is None
    assert [run.outcome for run in holder.state.runs] == ["ok"]


def test_a_changed_schedule_begins_anew() -> None:
    holder = Holder(Schedule.of(every=10))
    holder.step(START)
    holder.schedule = Schedule.of(every=7)
    holder.take_over()
    due = holder.step(START + 100)
    assert due is not None
    assert (due.scheduled_at, due.attempt) == (START + 100, 1)


CHANGES: list[dict[str, Any]] = [
    {"window": 7200},
    {"interrupted": "record"},
    {"until": START + 1e6},
    {"misfire": "all"},
]


def run(holder: Holder, wall: float) -> list[str]:
    """Run all that is to be run now, each to a good end; the ids."""
    ran = []
    while (due := holder.step(wall)) is not None:
        ran.append(due.id)
        holder.ticker.done(due.id, "")
    return ran


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "options",
    [{"at": START + 60}, {"every": 60, "at": START}, {"cron": "* * * * *"}],
    ids=["once", "every", "cron"],
)
def test_a_tick_that_ran_is_not_claimed_again_by_a_changed_schedule(
    options: dict[str, Any], change: dict[str, Any]
) -> None:
    holder = Holder(Schedule.of(**options))
    ran = [one for second in range(0, 181, 10) for one in run(holder, START + second)]
    assert len(ran) in (1, 4)
    holder.schedule = Schedule.of(**(options | change))
    holder.take_over()
    # Its holder's calendar is a bit behind, as that of another replica may be.
    again = [one for second in range(-1, 40, 10) for one in run(holder, START + 180 + second)]
    assert not set(again) & set(ran)


def test_a_changed_period_begins_now_also_by_a_calendar_that_is_a_bit_behind() -> None:
    holder = Holder(Schedule.of(every=10))
    holder.step(START)
    holder.schedule = Schedule.of(in_=0)
    holder.take_over()
    due = holder.step(START - 0.5)
    assert due is not None
    assert due.scheduled_at == START - 0.5


def test_garbage_in_the_record_begins_anew() -> None:
    holder = Holder(Schedule.of(every=10))
    holder.body = '{"schedule": 1}'
    holder.take_over()
    assert holder.step(START) is not None


def test_repeat_counts_the_runs_after_the_first() -> None:
    holder, runs = Holder(Schedule.of(every=10, repeat=2)), 0
    for second in range(100):
        due = holder.step(START + second)
        if due:
            runs += 1
            holder.ticker.done(due.id, "")
    assert runs == 3


def test_a_dense_schedule_is_caught_up_with_in_few_steps() -> None:
    holder = Holder(Schedule.of(cron="* * * * * *"))
    first = holder.step(START)
    assert first is not None
    holder.ticker.done(first.id, "")
    holder.step(START)
    due = holder.step(START + 90 * 86_400)
    assert due is not None
    assert due.scheduled_at == START + 90 * 86_400


@pytest.mark.parametrize(
    ("options", "away"),
    [
        ({"cron": "* * * * * *", "until": START + 4 * DAY}, 7 * DAY),
        ({"every": 0.1, "until": START + 4 * DAY}, 7 * DAY),
        ({"cron": "* * * * 1 *"}, 300 * DAY),  # each second of January
        ({"cron": "* * * * * *", "jitter": "1h"}, 90 * DAY),
        ({"cron": "* * * * * *", "overlap": "queue"}, 90 * DAY),
    ],
)
def test_a_dense_schedule_that_is_over_is_caught_up_with_in_few_steps_too(
    options: dict[str, Any], away: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked, next_after = 0, Schedule.next_after

    def counted(schedule: Schedule, instant: float, anchor: float) -> float | None:
        nonlocal walked
        walked += 1
        assert walked < 5_000, "the coordinator renews nothing meanwhile"
        return next_after(schedule, instant, anchor)

    holder = Holder(Schedule.of(**options))
    wall = START
    while (first := holder.step(wall)) is None:
        wall += 600.0
    monkeypatch.setattr(Schedule, "next_after", counted)
    holder.ticker.done(first.id, "")
    holder.step(wall)
    holder.take_over()
    for _ in range(4):
        holder.step(wall + away)


@settings(deadline=None, max_examples=30)
@given(
    cron=st.sampled_from(["*/7 3 * * *", "0 0 1 * *", "* * 2 1 *", "59 23 31 12 *", "0 12 * * 1"]),
    away=st.floats(0.0, 500 * DAY),
    count=st.integers(1, 11),
    jitter=st.sampled_from([0.0, 40.0]),
)
def test_the_latest_instants_are_those_that_a_walk_finds(
    cron: str, away: float, count: int, jitter: float
) -> None:
    schedule = Schedule.of(cron=cron, jitter=jitter, until=START + 400 * DAY)
    dues, wall, walked = Dues(schedule, "job"), START + away, list[float]()
    due = schedule.next_after(START, START)
    while due is not None and due <= wall:
        walked.append(due)
        due = schedule.next_after(due, START)
    begun = [one for one in walked if dues.begins(one) <= wall]
    state = JobState(schedule.fingerprint, START, last=START)
    assert dues.latest(state, wall, count) == begun[-count:]


@st.composite
def histories(draw: st.DrawFn) -> tuple[float, list[tuple[float, str]]]:
    """A period, and what happens after which pause."""
    every = draw(st.sampled_from([0.3, 1.0, 2.5]))
    happenings = st.sampled_from(["step", "step", "done", "done", "take over", "lost"])
    return every, draw(st.lists(st.tuples(st.floats(0.01, 8.0), happenings), max_size=60))


@settings(deadline=None)
@given(history=histories(), misfire=st.sampled_from(["skip", "latest", "all"]))
def test_no_tick_is_claimed_twice_and_policies_hold(
    history: tuple[float, list[tuple[float, str]]], misfire: Misfire
) -> None:
    every, happenings = history
    holder = Holder(Schedule.of(every=every, misfire=misfire))
    wall, claims, open_tick = START, [], None
    for pause, happening in happenings:
        wall += pause
        if happening == "done" and open_tick is not None:
            holder.ticker.done(open_tick.id, "")
        elif happening == "take over":
            holder.take_over()
        due = holder.step(wall, lands=happening != "lost")
        if due is not None:
            claims.append((due.id, due.attempt))
            if due.attempt == 1 and misfire == "skip":
                assert wall - due.scheduled_at <= ON_TIME + 1e-6
            if due.attempt == 1 and misfire == "latest":
                assert wall - due.scheduled_at < every + 1e-6
            open_tick = due
    assert len(claims) == len(set(claims))
    first_tries = [tick for tick, attempt in claims if attempt == 1]
    assert first_tries == sorted(first_tries)
