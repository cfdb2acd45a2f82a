"""The ticks of one job: which is due, claimed, open, missed (rules 11 and 12).

Belongs here: the job's state as it is kept in its lease, and its next state. Not here: time (it
comes in, as the lease store's calendar) and the compare-and-swap that makes a state true.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Self

from immutant.link import TickDue
from immutant.schedules import Schedule

__all__ = ["JobState", "OpenTick", "Run", "Ticker"]

RUNS_KEPT = 10
ON_TIME = 1.0
"""Seconds after its due instant until a tick counts as missed and the misfire policy decides."""

_LOOK_BACK = (60.0, 3600.0, 86_400.0, 40 * 86_400.0, 400 * 86_400.0)


@dataclass(frozen=True, slots=True)
class OpenTick:
    """A claimed tick whose run has not ended: `due` in seconds since the epoch."""

    due: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Run:
    """A run that ended, and how: "ok", "interrupted" or the error."""

    due: float
    attempt: int
    ended: float
    outcome: str


@dataclass(frozen=True, slots=True)
class JobState:
    """What the cluster knows of a job; the body of its lease.

    Attributes:
        schedule: The fingerprint of the schedule that this state belongs to.
        anchor: When the cluster first saw that schedule.
        last: The latest due instant that was claimed or passed over.
        count: How many ticks were claimed.
        open: The claimed tick that has not ended.
        runs: The last runs, oldest first.
    """

    schedule: str
    anchor: float
    last: float | None = None
    count: int = 0
    open: OpenTick | None = None
    runs: tuple[Run, ...] = ()

    def to_body(self) -> str:
        """The state as JSON text, for `from_body`."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_body(cls, body: str) -> Self | None:
        """The state that `to_body` wrote; None for a text that is none (a first run, an edit)."""
        try:
            raw = json.loads(body)
            opened = raw["open"]
            return cls(
                schedule=str(raw["schedule"]),
                anchor=float(raw["anchor"]),
                last=None if raw["last"] is None else float(raw["last"]),
                count=int(raw["count"]),
                open=None if opened is None else OpenTick(**opened),
                runs=tuple(Run(**run) for run in raw["runs"]),
            )
        except (ValueError, TypeError, KeyError):
            return None

    def ended(self, wall: float, outcome: str) -> Self:
        """The open tick's run has ended."""
        if self.open is None:
            return self
        run = Run(self.open.due, self.open.attempt, wall, outcome)
        return replace(self, open=None, runs=(*self.runs, run)[-RUNS_KEPT:])

    def claimed(self, due: float) -> Self:
        """The tick is claimed for its first attempt."""
        return replace(self, last=due, count=self.count + 1, open=OpenTick(due, 1))


class Ticker:
    """One tenure after the other of one job: proposes the next state, learns whether it held."""

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        on_step: Callable[[JobState, JobState], object] = lambda before, after: None,
    ) -> None:
        """Make the ticker of a job; `on_step` hears of each step that has been written down."""
        self._on_step = on_step
        self._name = name
        self._schedule = schedule
        self._state = JobState(schedule.fingerprint, 0.0)
        self._proposed: JobState | None = None
        self._fresh = False
        self._inherited = False
        self._ended: dict[str, str] = {}
        self._next = 0.0

    def begin(self, body: str) -> None:
        """A tenure begins over this body; `propose` then takes up what it finds open."""
        found = JobState.from_body(body)
        self._fresh = found is None or found.schedule != self._schedule.fingerprint
        self._state = found or JobState(self._schedule.fingerprint, 0.0)
        self._proposed = None
        self._ended.clear()
        self._inherited = self._state.open is not None
        self._next = 0.0

    def propose(self, wall: float, *, claim: bool) -> str | None:
        """The job's next state as text, None when there is nothing to write now.

        Args:
            wall: The lease store's calendar time.
            claim: False when no run may begin any more, only end.
        """
        if self._proposed is not None:
            return None
        state = self._closed(self._state, wall)
        if claim:
            state = self._opened(self._anchored(state, wall), wall)
        if state == self._state:
            return None
        self._proposed = state
        return state.to_body()

    def committed(self, not_after: float) -> TickDue | None:
        """The proposed state is true now; the tick that it opened, if it did."""
        if self._proposed is None:
            return None
        before, self._state, self._proposed = self._state, self._proposed, None
        self._on_step(before, self._state)
        opened = self._state.open
        if opened is None or opened == before.open:
            return None
        self._inherited = False
        return TickDue(self._id(opened), opened.due, opened.attempt, not_after)

    def failed(self) -> None:
        """The proposed state did not come true."""
        self._proposed = None

    def done(self, tick: str, error: str) -> None:
        """The application says how the run ended; `error` is "" when it went well."""
        self._ended[tick] = error or "ok"
        self._next = 0.0

    def next_wall(self) -> float:
        """When `propose` may have something to say again, by the lease store's calendar."""
        return self._next

    def _anchored(self, state: JobState, wall: float) -> JobState:
        """A new job, or a new schedule, begins now; its past is nobody's debt (rule 12)."""
        if not self._fresh:
            return state
        self._fresh = False
        self._inherited = False
        return JobState(self._schedule.fingerprint, anchor=wall, runs=state.runs)

    def _closed(self, state: JobState, wall: float) -> JobState:
        if state.open is None:
            return state
        outcome = self._ended.pop(self._id(state.open), None)
        if outcome is None:
            return state
        # What came due while it ran is passed over: runs of one job do not overlap. Only "all"
        # makes up for each of them.
        latest = None if self._schedule.misfire == "all" else self._latest_due(state, wall)
        return replace(state.ended(wall, outcome), last=latest or state.last)

    def _opened(self, state: JobState, wall: float) -> JobState:
        if state.open is not None:
            return self._taken_over(state, wall) if self._inherited else self._wait(state)
        due = self._due(state)
        if due is None or due > wall:
            self._next = math.inf if due is None else due
            return state
        return self._after_misfire(state, due, wall)

    def _taken_over(self, state: JobState, wall: float) -> JobState:
        """The former tenure's run was cut off: run it again, or only say so (rule 11)."""
        if self._schedule.interrupted == "record":
            self._inherited = False
            return self._opened(state.ended(wall, "interrupted"), wall)
        assert state.open is not None
        return replace(state, open=replace(state.open, attempt=state.open.attempt + 1))

    def _wait(self, state: JobState) -> JobState:
        self._next = math.inf
        return state

    def _after_misfire(self, state: JobState, due: float, wall: float) -> JobState:
        if self._schedule.misfire == "all":
            floor = wall - self._schedule.window
            return (
                self._opened(replace(state, last=floor), wall)
                if due < floor
                else state.claimed(due)
            )
        latest = self._latest_due(state, wall) or due
        if self._schedule.misfire == "skip" and wall - latest > ON_TIME:
            return self._opened(replace(state, last=latest), wall)
        return state.claimed(latest)

    def _due(self, state: JobState) -> float | None:
        repeat = self._schedule.repeat
        if repeat is not None and state.count > repeat:
            return None
        return self._schedule.next_after(self._base(state), state.anchor)

    def _base(self, state: JobState) -> float:
        """The instant after which the next tick is looked for."""
        if state.last is not None:
            return state.last
        lead = self._schedule.window if self._schedule.at is not None else 0.0
        return math.nextafter(state.anchor - lead, -math.inf)

    def _latest_due(self, state: JobState, wall: float) -> float | None:
        """The latest due instant up to now that nobody claimed.

        Looked for in growing spans back from now, so that a schedule of seconds is not walked
        through from where it stopped a week ago.
        """
        base = self._base(state)
        for span in (*_LOOK_BACK, math.inf):
            found = None
            due = self._schedule.next_after(max(base, wall - span), state.anchor)
            while due is not None and due <= wall:
                found = due
                due = self._schedule.next_after(due, state.anchor)
            if found is not None or wall - span <= base:
                return found
        return None

    def _id(self, opened: OpenTick) -> str:
        due = datetime.fromtimestamp(opened.due, UTC).isoformat(timespec="milliseconds")
        return f"{self._name}/{due}"
