"""Which tick of the schedule is next, late, missed or passed over.

Belongs here: what misfire, overlap and jitter make of a schedule and of what was claimed. Not here:
claiming (`ticks`).
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from immutant.election.jobstate import JobState
from immutant.schedules import Schedule

__all__ = ["ON_TIME", "QUEUED", "Dues", "base"]

ON_TIME = 1.0
"""Seconds after its due instant until a tick counts as missed and the misfire policy decides."""

QUEUED = 10
"""Ticks that wait behind a run with `overlap="queue"`; of more, the latest."""

_MOST_WALKED = 1000
"""Due instants that are looked at one by one: more only where `jitter` is as long as so many."""


class Dues:
    """The due instants of one job."""

    def __init__(self, schedule: Schedule, salt: str) -> None:
        """Look at a schedule.

        Args:
            schedule: The schedule.
            salt: What its jitter is drawn by, beside the instants.
        """
        self._schedule = schedule
        self._salt = salt

    def begins(self, due: float) -> float:
        """When the tick of this instant begins: its jitter later."""
        return due + self._schedule.late_by(due, self._salt)

    def next(self, state: JobState) -> float | None:
        """The next due instant that nobody claimed; None: the schedule is over."""
        repeat = self._schedule.repeat
        if state.unscheduled or (repeat is not None and state.count > repeat):
            return None
        return self._schedule.next_after(base(state, self._schedule), state.anchor)

    def to_claim(self, state: JobState, wall: float) -> tuple[JobState, float | None]:
        """The due instant to be claimed now, and the state with what was passed over for it."""
        due = self.next(state)
        if due is None or self.begins(due) > wall:
            return state, None
        if state.queued is not None and due <= state.queued:
            return state, due
        if self._schedule.misfire == "all":
            return self._within_window(state, due, wall)
        latest = self.latest(state, wall, 1)[-1]
        if self._schedule.misfire == "skip" and wall - self.begins(latest) > ON_TIME:
            return replace(state, last=latest), None
        return state, latest

    def after_run(self, state: JobState, wall: float, *, asked: bool) -> JobState:
        """What becomes of the ticks that came due during a run which has ended.

        Args:
            state: The state without it.
            wall: Now.
            asked: It was asked for. The schedule's own ticks are not passed over for such a run.
        """
        overlap, misfire = self._schedule.overlap, self._schedule.misfire
        if overlap == "allow" or (overlap == "skip" and misfire == "all"):
            return state
        if self.next(state) is None:
            return state
        if overlap == "skip" and not asked:
            found = self.latest(state, wall, 1)
            return replace(state, last=found[-1]) if found else state
        kept = QUEUED if overlap == "queue" else 1
        found = self.latest(state, wall, kept + 1)
        last = found[0] if len(found) > kept else state.last
        return replace(state, last=last, queued=wall) if found else state

    def backfilled(self, state: JobState, after: float, until: float) -> float | None:
        """The first instant of a backfill's range that is left."""
        due = self._schedule.beat_after(after, state.anchor)
        return due if due is not None and due <= until else None

    def latest(self, state: JobState, wall: float, count: int) -> list[float]:
        """The latest due instants up to now that nobody claimed, oldest first.

        Looked for from now back to the first of them, and not from where the schedule stopped: a
        schedule of seconds has a million instants in two weeks.
        """
        since = base(state, self._schedule)
        start = wall - self._schedule.jitter  # what was due by then has begun, whatever it drew
        for _ in range(count):
            found = self._last(state, since, start)
            if found is None:
                start = since
                break
            start = math.nextafter(found, -math.inf)
        dues = islice(self._between(state, start, wall), _MOST_WALKED)
        return [due for due in dues if self.begins(due) <= wall][-count:]

    def _within_window(
        self, state: JobState, due: float, wall: float
    ) -> tuple[JobState, float | None]:
        floor = wall - self._schedule.window
        if due >= floor:
            return state, due
        passed = replace(state, last=math.nextafter(floor, -math.inf))
        due_in = self.next(passed)
        is_now = due_in is not None and self.begins(due_in) <= wall
        return passed, due_in if is_now else None

    def _last(self, state: JobState, since: float, until: float) -> float | None:
        """The last due instant after `since` and not after `until`, in some dozens of steps."""
        span = 1.0
        while (found := self._next_within(state, max(since, until - span), until)) is None:
            if until - span <= since:
                return None
            span *= 2
        end = until  # none is after it
        while (later := self._next_within(state, found, until)) is not None:
            middle = (later + end) / 2
            beyond = self._next_within(state, middle, until)
            found, end = (later, middle) if beyond is None else (beyond, end)
        return found

    def _next_within(self, state: JobState, after: float, until: float) -> float | None:
        due = self._schedule.next_after(after, state.anchor)
        return due if due is not None and due <= until else None

    def _between(self, state: JobState, after: float, until: float) -> Iterator[float]:
        due = self._next_within(state, after, until)
        while due is not None:
            yield due
            due = self._next_within(state, due, until)


def base(state: JobState, schedule: Schedule) -> float:
    """The instant after which the next tick is looked for."""
    lead = schedule.window if schedule.at is not None else 0.0
    first = math.nextafter(state.anchor - lead, -math.inf)
    return first if state.last is None else max(first, state.last)
