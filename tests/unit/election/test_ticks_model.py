"""The ticker against a plain reference: schedules, misfires, overlap, retries, failovers.

The reference knows all due instants as a list, found by walking through the minutes, and keeps
nothing in a record.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.test_schedules import CHANGES, plain_runs

from immutant.backoff import Backoff
from immutant.election.dues import ON_TIME, QUEUED
from immutant.election.jobstate import MOST_OPEN, JobState, tick_id
from immutant.election.ticks import Ticker
from immutant.schedules import Schedule

CUT = "cut off"
HERE = "here"


@dataclass
class Tick:
    """An open tick: `where` is HERE, CUT or the instant of its retry."""

    attempt: int = 1
    failures: int = 0
    where: Any = HERE


@dataclass
class Reference:
    schedule: Schedule
    dues: list[float]
    open: dict[float, Tick] = field(default_factory=dict)
    told: list[tuple[float, bool]] = field(default_factory=list)
    cancelling: set[float] = field(default_factory=set)
    queued: float = 0.0

    def settle(self, now: float) -> list[tuple[float, int]]:
        for due, well in self.told:
            self.end(due, now, well=well)
        self.told.clear()
        begun = []
        while (tick := self.step(now)) is not None:
            begun.append(tick)
        return begun

    def take_over(self) -> None:
        self.told.clear()
        self.cancelling.clear()
        for tick in self.open.values():
            tick.where = CUT if tick.where == HERE else tick.where

    def here(self) -> list[float]:
        return [due for due, tick in self.open.items() if tick.where == HERE]

    def due(self, now: float) -> list[float]:
        return [due for due in self.dues if due <= now]

    def pass_over(self, passed: list[float]) -> None:
        self.dues = [due for due in self.dues if due not in passed]

    def step(self, now: float) -> tuple[float, int] | None:
        room = MOST_OPEN if self.schedule.overlap == "allow" else 1
        for due, tick in list(self.open.items()):
            overtaken = self.schedule.overlap == "cancel" and self.due(now)
            if tick.where == CUT and (self.schedule.interrupted == "record" or overtaken):
                del self.open[due]
                if self.schedule.overlap != "skip":
                    self.after_run(now)
            elif tick.where == CUT and len(self.here()) < room:
                return self.again(due)
        if len(self.here()) >= room:
            if self.schedule.overlap == "cancel" and self.due(now):
                self.cancelling |= set(self.here())
            return None
        for due, tick in self.open.items():
            if tick.where not in (HERE, CUT) and tick.where <= now:
                return self.again(due)
        return self.claim(now)

    def again(self, due: float) -> tuple[float, int]:
        tick = self.open[due] = Tick(self.open[due].attempt + 1, self.open[due].failures)
        return due, tick.attempt

    def claim(self, now: float) -> tuple[float, int] | None:
        due = self.due(now)
        if not due:
            return None
        is_replaced = self.schedule.overlap == "cancel"
        room = MOST_OPEN if self.schedule.overlap == "allow" else 1
        if not is_replaced and len(self.open) >= room:
            return None
        if due[0] > self.queued:
            due = self.after_misfire(due, now)
        if not due:
            return None
        if is_replaced:
            self.open.clear()
        self.pass_over([one for one in self.dues if one <= due[0]])
        self.open[due[0]] = Tick()
        return due[0], 1

    def after_misfire(self, due: list[float], now: float) -> list[float]:
        if self.schedule.misfire == "all":
            self.pass_over([one for one in due if one < now - self.schedule.window])
            return [one for one in due if one >= now - self.schedule.window]
        if self.schedule.misfire == "skip" and now - due[-1] > ON_TIME:
            self.pass_over(due)
            return []
        return due[-1:]

    def end(self, due: float, now: float, *, well: bool) -> None:
        tick = self.open.get(due)
        if tick is None or tick.where != HERE:
            return
        if not well and due not in self.cancelling and tick.failures < self.schedule.retries:
            tick.failures += 1
            wait = self.schedule.wait_after(tick.failures, tick_id("job", due))
            tick.where = now + wait
            return
        self.cancelling.discard(due)
        del self.open[due]
        self.after_run(now)

    def after_run(self, now: float) -> None:
        overlap, due = self.schedule.overlap, self.due(now)
        if overlap == "allow" or (overlap == "skip" and self.schedule.misfire == "all") or not due:
            return
        if overlap == "skip":
            self.pass_over(due)
            return
        self.pass_over(due[: -QUEUED if overlap == "queue" else -1])
        self.queued = now


class Real:
    """The ticker, one member after the other over one body."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.body = ""
        self.take_over()

    def take_over(self) -> None:
        self.ticker = Ticker("job", self.schedule, member="demo-0")
        self.ticker.begin(self.body)
        self.cancelling: set[str] = set()

    def settle(self, now: float) -> list[tuple[float, int]]:
        begun = []
        while (body := self.ticker.propose(now, claim=True)) is not None:
            self.body = body
            if (due := self.ticker.committed(body, 1e12)) is not None:
                begun.append((due.scheduled_at, due.attempt))
        self.cancelling |= set(self.ticker.overtaken())
        return begun

    def lose(self, now: float) -> None:
        """A write that does not land."""
        if self.ticker.propose(now, claim=True) is not None:
            self.ticker.failed()

    def open(self) -> set[float]:
        state = JobState.from_body(self.body)
        assert state is not None
        return {one.due for one in state.ticks}


# All of them with each other, also what versions before took and `Schedule.of` refuses.
policies = st.fixed_dictionaries(
    {
        "misfire": st.sampled_from(["skip", "latest", "all"]),
        "interrupted": st.sampled_from(["rerun", "record"]),
        "overlap": st.sampled_from(["skip", "queue", "allow", "cancel"]),
        "retries": st.integers(0, 2),
    }
)
happenings = st.sampled_from(["", "", "", "well", "well", "badly", "badly", "take over", "lost"])


def play(
    schedule: Schedule, dues: list[float], start: float, history: list[tuple[float, str]]
) -> None:
    reference, real, now = Reference(schedule, dues), Real(schedule), start
    assert real.settle(now) == reference.settle(now)
    for pause, happening in history:
        now += pause
        if happening == "take over":
            real.take_over()
            reference.take_over()
        if happening in ("well", "badly") and (here := reference.here()):
            reference.told.append((here[0], happening == "well"))
            attempt = reference.open[here[0]].attempt
            error = "" if happening == "well" else "RuntimeError"
            real.ticker.done(tick_id("job", here[0]), error, attempt)
        if happening == "lost":
            real.lose(now)
        assert real.settle(now) == reference.settle(now), (now - start, happening)
        assert real.open() == set(reference.open)
        assert real.cancelling >= {tick_id("job", one) for one in reference.cancelling}


@settings(deadline=None, max_examples=200)
@given(
    every=st.sampled_from([0.5, 2.0]),
    policies=policies,
    history=st.lists(
        st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0, 9.0, 40.0]), happenings), max_size=40
    ),
)
def test_a_period_is_played_as_the_reference_plays_it(
    every: float, policies: dict[str, Any], history: list[tuple[float, str]]
) -> None:
    start = 1_800_000_000.0
    schedule = Schedule.of(every=every, window=8.0, backoff=Backoff(first=0.5, most=2.0))
    schedule = replace(schedule, **policies)
    end = start + sum(pause for pause, _ in history)
    dues = [start + n * every for n in range(int((end - start) / every) + 2)]
    play(schedule, dues, start, history)


@pytest.mark.parametrize("midnight", CHANGES.values(), ids=[" ".join(one) for one in CHANGES])
@settings(deadline=None, max_examples=50)
@given(
    cron=st.sampled_from(
        [
            ("*/30 * * * *", frozenset({0, 30}), None),
            ("15,45 1,2 * * *", frozenset({15, 45}), frozenset({1, 2})),
        ],
    ),
    policies=policies,
    history=st.lists(
        st.tuples(st.sampled_from([0, 60, 900, 1800, 7200]).map(float), happenings), max_size=25
    ),
)
def test_a_day_on_which_the_clocks_change_is_played_as_the_reference_plays_it(
    midnight: datetime,
    cron: tuple[str, frozenset[int], frozenset[int] | None],
    policies: dict[str, Any],
    history: list[tuple[float, str]],
) -> None:
    expression, minutes, hours = cron
    zone = midnight.tzinfo
    assert isinstance(zone, ZoneInfo)
    start = midnight.timestamp()
    backoff = Backoff(first=60, most=600)
    schedule = Schedule.of(cron=expression, tz=zone.key, window="2h", backoff=backoff)
    schedule = replace(schedule, **policies)
    play(schedule, days(minutes, hours, zone, int(start)), start, history)


@cache
def days(
    minutes: frozenset[int], hours: frozenset[int] | None, zone: ZoneInfo, start: int
) -> list[float]:
    """More runs than any history comes to."""
    return plain_runs(minutes, hours, zone, start, start + 3 * 86_400)
