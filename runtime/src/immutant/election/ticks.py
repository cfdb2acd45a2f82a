"""The ticks of one job: claimed, open, ended, begun again (rules 11 and 12).

Belongs here: the job's next state, from the one in its lease, the time and what the application
says. Not here: the state itself (`jobstate`), what is due (`dues`), what people ask for
(`commands`), time (it comes in, as the lease store's calendar) and the compare-and-swap that makes
a state true.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from immutant.election.dues import Dues
from immutant.election.jobstate import MOST_OPEN, Asked, JobState, OpenTick, tick_id
from immutant.link import TickDue
from immutant.schedules import Schedule

__all__ = ["Ticker"]

_UNKNOWN = JobState("", 0.0)


class Ticker:
    """One tenure after the other of one job: proposes the next state, learns whether it held.

    One tick is opened by each state, so that one write is one claim.
    """

    def __init__(
        self,
        name: str,
        schedule: Schedule,
        on_step: Callable[[JobState, JobState], object] = lambda before, after: None,
        *,
        member: str = "",
        salt: str = "",
    ) -> None:
        """Begin with nothing.

        Args:
            name: The job.
            schedule: Its schedule.
            on_step: Hears of each step that has been written down.
            member: Where its runs are.
            salt: What its jitter is drawn by; the name without one.
        """
        self._on_step = on_step
        self._name = name
        self._schedule = schedule
        self._member = member
        self._dues = Dues(schedule, salt or name)
        self._fingerprint = schedule.fingerprint
        self._room = MOST_OPEN if schedule.overlap == "allow" else 1
        self._next = -math.inf
        self.begin("")

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on here, or a step is under way; what has ended need not be closed.

        Else a job would never move whose end of a run and beginning of the next are one write.
        """
        return bool(self._running.keys() - self._ended.keys()) or self._proposed is not None

    def begin(self, body: str) -> None:
        """A tenure begins over this body; `propose` then takes up what it finds open."""
        self._state = _UNKNOWN
        self._proposed: tuple[JobState, OpenTick | None] | None = None
        self._running: dict[str, int] = {}
        self._ended: dict[str, str] = {}
        self._overtaken: set[str] = set()
        self._untold: list[str] = []
        self._read(body)

    def seen(self, body: str) -> None:
        """Somebody has changed the record: go on from what stands there.

        A body that cannot be read is none to go on from, and is written over.
        """
        if body != self._body:
            self._read(body)

    def propose(self, wall: float, *, claim: bool) -> str | None:
        """The job's next state as text, None when there is nothing to write now.

        Args:
            wall: The lease store's calendar time.
            claim: False when no run may begin any more, only end.
        """
        if self._proposed is not None or wall < self._next:
            return None
        self._forget_ended()  # also what is in the record no more, by whatever hand
        state, opening = self._closed(self._state, wall), None
        if claim:
            state, opening = self._opened(self._anchored(state, wall), wall)
            self._next = self._next_after(state, wall)
        body = state.to_body()
        if body == self._body or (not claim and state == self._state):
            return None
        self._proposed = state, opening
        return body

    def committed(self, body: str, not_after: float) -> TickDue | None:
        """The proposed state is true now; the tick that it opened, if it did.

        Args:
            body: What stands in the record: the proposed state, or what came of it since.
            not_after: The tenure's deadline.
        """
        if self._proposed is None:
            return None
        state, opened = self._proposed
        self._on_step(self._state, state)
        self._proposed, self._state = None, state
        self._read(body)
        self._forget_ended()
        # Of a job that was unscheduled since, what was begun before is run too.
        begun = [replace(one, final=False) for one in self._state.ticks]
        if opened is None or opened not in begun:
            return None
        self._running[self._id(opened)] = opened.attempt
        return TickDue(self._id(opened), opened.due, opened.attempt, not_after)

    def failed(self) -> None:
        """The proposed state did not come true."""
        self._proposed = None
        self._next = -math.inf

    def done(self, tick: str, error: str, attempt: int = 0) -> None:
        """The application says how the run ended; `error` is "" when it went well.

        One that is told again, when a later attempt runs, is nothing. An application of the version
        before does not tell the attempt (0).
        """
        running = self._running.get(tick)
        if running is None or attempt not in (0, running):
            return
        self._ended[tick] = "cancelled" if error and tick in self._overtaken else error
        self._next = -math.inf

    def overtaken(self) -> list[str]:
        """The runs that are to be cancelled for a tick that is due, each told once."""
        told, self._untold = self._untold, []
        return told

    def next_wall(self) -> float:
        """When `propose` may have something to say again, by the lease store's calendar."""
        return self._next

    def _read(self, body: str) -> None:
        self._body = body
        self._state = JobState.from_body(body) or self._state
        self._next = -math.inf

    def _runs_here(self, tick: OpenTick) -> bool:
        return tick.retry is None and self._running.get(self._id(tick)) == tick.attempt

    def _closed(self, state: JobState, wall: float) -> JobState:
        """The state without the runs that have ended."""
        for tick in state.ticks:
            outcome = self._ended.get(self._id(tick))
            if outcome is not None and self._runs_here(tick):
                state = self._without(state, tick, wall, outcome)
        return state

    def _without(self, state: JobState, tick: OpenTick, wall: float, outcome: str) -> JobState:
        is_failure = outcome not in ("", "cancelled")
        again = None
        if is_failure and not tick.final and tick.failures < self._schedule.retries:
            wait = self._schedule.wait_after(tick.failures + 1, self._id(tick))
            again = tick.failed(wall + wait)
        state = state.ended(tick, wall, outcome or "ok", again)
        if again is not None and not tick.key:
            return state  # what comes due until its retries are over came due during it
        return self._dues.after_run(state, wall, asked=bool(tick.key))

    def _forget_ended(self) -> None:
        """Forget of what has ended whatever is open no more."""
        going = {self._id(one) for one in self._here(self._state)}
        for tick in [one for one in self._ended if one not in going]:
            del self._ended[tick], self._running[tick]
            self._overtaken.discard(tick)

    def _anchored(self, state: JobState, wall: float) -> JobState:
        """A new job, or a new schedule, begins now; its past is nobody's debt (rule 12).

        What is due by the calendar, and not from now on, may have been claimed by the schedule
        before: each such instant is one tick, whichever schedule names it.
        """
        if state.schedule == self._fingerprint:
            return state
        for tick in state.ticks:
            if not tick.key and not self._runs_here(tick):
                state = state.ended(tick, wall, "interrupted")
        return JobState(
            self._fingerprint,
            anchor=wall,
            last=state.last if self._schedule.is_of_the_calendar else None,
            ticks=state.ticks,
            runs=state.runs,
            asked=state.asked,
            paused=state.paused,
        )

    def _opened(self, state: JobState, wall: float) -> tuple[JobState, OpenTick | None]:
        """The state with one more tick begun, if one is to begin now."""
        state, again = self._taken_over(state, wall)
        if again is not None:
            return state.opened(again), again
        if self._is_full():
            self._overtake(state, wall)
            return state, None
        for tick in state.ticks:
            if tick.retry is not None and tick.retry <= wall and self._may_go_on(state, tick):
                again = tick.again(wall, self._member)
                return state.opened(again), again
        return self._claimed(state, wall)

    def _taken_over(self, state: JobState, wall: float) -> tuple[JobState, OpenTick | None]:
        """A former tenure's run was cut off: run it again, or only say so (rule 11)."""
        for tick in state.ticks:
            if tick.retry is not None or self._runs_here(tick):
                continue
            if self._is_given_up(state, tick, wall):
                state = state.ended(tick, wall, "interrupted")
                if self._schedule.overlap != "skip":  # else what was due since is the misfire's
                    state = self._dues.after_run(state, wall, asked=bool(tick.key))
            elif not self._is_full() and self._may_go_on(state, tick):
                again = tick.again(wall, self._member)
                return state.ended(tick, wall, "interrupted", again), again
        return state, None

    def _is_given_up(self, state: JobState, tick: OpenTick, wall: float) -> bool:
        """Whether an interrupted tick is not run again."""
        if self._schedule.interrupted == "record" or tick.final:
            return True
        if tick.key or self._schedule.overlap != "cancel":
            return False
        return not state.paused and self._is_due(state, wall)  # for the tick that is begun then

    def _may_go_on(self, state: JobState, tick: OpenTick) -> bool:
        """Whether a further attempt may begin: what was asked for goes on in a paused job."""
        return bool(tick.key) or not state.paused

    def _claimed(self, state: JobState, wall: float) -> tuple[JobState, OpenTick | None]:
        """A tick's first attempt: of a trigger, else of the schedule or of a backfill."""
        if len(state.ticks) >= MOST_OPEN:
            return state, None
        for asked in state.asked:
            if asked.until is None:
                return self._begun(_without_asked(state, asked), asked.after, asked.key, wall)
        claims = [self._scheduled, self._backfilled]
        if state.runs and not state.runs[-1].key:
            claims.reverse()  # in turn: a schedule whose ticks wait would let no backfill begin
        for claim in claims:
            state, opening = claim(state, wall)
            if opening is not None:
                return state, opening
        return state, None

    def _scheduled(self, state: JobState, wall: float) -> tuple[JobState, OpenTick | None]:
        """The schedule's tick that is due."""
        if state.paused or not self._is_due(state, wall):
            return state, None
        left = state.ticks
        if self._schedule.overlap == "cancel":  # for the next tick, retries are given up
            left = tuple(one for one in left if one.key or one.retry is None)
        if self._room == 1 and any(not one.key for one in left):
            return state, None
        passed, due = self._dues.to_claim(state, wall)
        if due is None:
            return passed, None
        claimed = replace(passed, ticks=left, last=due, count=passed.count + 1)
        return self._begun(claimed, due, "", wall)

    def _backfilled(self, state: JobState, wall: float) -> tuple[JobState, OpenTick | None]:
        """The next tick of a backfill; they go one after the other."""
        going = {one.key for one in state.ticks}
        for asked in state.asked:
            if asked.until is None or asked.key in going:
                continue
            due = self._dues.backfilled(state, asked.after, asked.until)
            if due is not None:
                rest = replace(asked, after=due)
                left = tuple(rest if one == asked else one for one in state.asked)
                return self._begun(replace(state, asked=left), due, asked.key, wall)
            state = _without_asked(state, asked)
        return state, None

    def _begun(
        self, state: JobState, due: float, key: str, wall: float
    ) -> tuple[JobState, OpenTick | None]:
        tick = OpenTick(due, 1, key, wall, self._member)
        return state.opened(tick), tick

    def _overtake(self, state: JobState, wall: float) -> None:
        """Cancel the schedule's run for its next tick, where the job says so."""
        if self._schedule.overlap != "cancel" or state.paused or not self._is_due(state, wall):
            return
        for tick in self._here(state):
            if not tick.key and (name := self._id(tick)) not in self._overtaken:
                self._overtaken.add(name)
                self._untold.append(name)

    def _is_due(self, state: JobState, wall: float) -> bool:
        due = self._dues.next(state)
        return due is not None and self._dues.begins(due) <= wall

    def _is_full(self) -> bool:
        """Whether as many runs go on here as may.

        Also those count that the record does not know any more, after an edit by hand.
        """
        return len(self._running.keys() - self._ended.keys()) >= self._room

    def _here(self, state: JobState) -> list[OpenTick]:
        return [one for one in state.ticks if self._runs_here(one)]

    def _next_after(self, state: JobState, wall: float) -> float:
        """When the next attempt may begin, if nothing happens before."""
        moments: list[float] = []
        if not self._is_full():
            waiting = [one for one in state.ticks if self._may_go_on(state, one)]
            moments += [one.retry for one in waiting if one.retry is not None]
        due = self._dues.next(state) if self._may_claim(state) else None
        if due is not None:
            moments.append(self._dues.begins(due))
        return min(moments, default=math.inf)

    def _may_claim(self, state: JobState) -> bool:
        """Whether the schedule's next tick would have to do something when it is due."""
        here = self._here(state)
        if state.paused:
            return False
        if self._schedule.overlap == "cancel":
            going = {self._id(one) for one in here if not one.key}
            return bool(going - self._overtaken) or not here
        is_free = self._room > 1 or all(one.key for one in state.ticks)
        return is_free and not self._is_full() and len(state.ticks) < MOST_OPEN

    def _id(self, tick: OpenTick) -> str:
        return tick_id(self._name, tick.due, tick.key)


def _without_asked(state: JobState, asked: Asked) -> JobState:
    return replace(state, asked=tuple(one for one in state.asked if one != asked))
