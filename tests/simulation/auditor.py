"""Looks at every write to the job's lease, as nobody in the cluster can: is it one that may be?"""

from dataclasses import dataclass, field

from immutant.election.jobstate import JobState, OpenTick
from immutant.leases import Lease


def running(state: JobState) -> dict[tuple[float, str], OpenTick]:
    return {(one.due, one.key): one for one in state.ticks if one.retry is None}


@dataclass
class Auditor:
    """What was claimed and asked for so far, and what was wrong with it.

    Attributes:
        wrong: What must not have happened.
        claims: Every attempt that was claimed, and how often.
        forgotten: What was asked for and dropped by an unscheduling.
        again: What was asked for again when ten later runs had made the job forget its key.
        edited: Whether a hand has edited the record: it can un-claim what was claimed.
    """

    wrong: list[str] = field(default_factory=list)
    claims: dict[tuple[float, str, int], int] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    again: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)
    edited: bool = False

    @property
    def begun_keys(self) -> set[str]:
        return {key for _, key, _ in self.claims}

    def wrote(self, before: Lease | None, after: Lease) -> None:
        """One compare-and-swap landed, of a holder or of a command."""
        was = JobState.from_body(before.body) if before else None
        now = JobState.from_body(after.body)
        if now is None or was is None:
            return
        fresh = self._fresh_attempts(was, now)
        self._look_at_attempts(was, fresh)
        self._look_at_wishes(was, now)
        if now.schedule == was.schedule and (now.last or 0.0) < (was.last or 0.0):
            self.wrong.append(f"the schedule went back from {was.last} to {now.last}")

    def twice(self) -> list[tuple[float, str, int]]:
        claims = self.claims.items()
        return [claim for claim, times in claims if times > 1 and claim[1] not in self.again]

    def _fresh_attempts(self, was: JobState, now: JobState) -> list[OpenTick]:
        former = running(was)
        return [
            one
            for where, one in running(now).items()
            if where not in former or former[where].attempt != one.attempt
        ]

    def _look_at_attempts(self, was: JobState, fresh: list[OpenTick]) -> None:
        if len(fresh) > 1:
            self.wrong.append(f"one write claimed {fresh}")
        known = {(one.due, one.key): one.attempt for one in was.ticks}
        for one in fresh:
            claim = (one.due, one.key, one.attempt)
            self.claims[claim] = self.claims.get(claim, 0) + 1
            if one.attempt != known.get((one.due, one.key), 0) + 1:
                self.wrong.append(f"an attempt was left out before {one}")
            if was.paused and not one.key:
                self.wrong.append(f"{one} was begun in a paused job")

    def _look_at_wishes(self, was: JobState, now: JobState) -> None:
        known = {one.key for one in was.asked} | {one.key for one in was.ticks}
        known |= {one.key for one in was.runs}
        self.again |= {one.key for one in now.asked if one.key in self._asked - known}
        self._asked |= {one.key for one in now.asked}
        kept = {one.key for one in now.asked} | {one.key for one in now.ticks}
        lost = {one.key for one in was.asked if one.until is None} - kept
        if now.unscheduled and not was.unscheduled:
            self.forgotten |= lost
        elif lost:
            self.wrong.append(f"{lost} was asked for and forgotten")
