"""One singleton, as one member sees it: standing, holding, ending, giving back.

Belongs here: the state of one candidacy and of the tenure that came of it. Not here: whether the
record is free (`view`), who should take it (`placement`), what a job does in its tenure (`ticks`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from immutant.contract.timings import Timings
from immutant.election.effects import Effect, Put, Tell
from immutant.election.observer import (
    DEADLINE_PASSED,
    TAKEN_AWAY,
    Predecessor,
)
from immutant.election.ticks import Ticker
from immutant.election.view import View
from immutant.leases import Lease
from immutant.link import Granted, Heartbeat, Revoked, Stopping, TickOvertaken

__all__ = ["Campaign", "Holder"]


_EPOCH_SHIFT = 48
"""No store has written 2^48 versions before its epoch is raised."""


class _Stage(Enum):
    HELD = auto()  # the application runs it
    ENDING = auto()  # the application has been told to stop, or is gone: its answer is awaited
    OVER = auto()  # nothing of it runs any more: the record can be given back


@dataclass(slots=True)
class _Tenure:
    record: Lease
    version: int
    token: int
    not_after: float
    since: float
    stage: _Stage = _Stage.HELD
    extended: bool = True


@dataclass(frozen=True, slots=True)
class Holder:
    """In whose name a record is taken: a life of a member."""

    incarnation: str
    member: str


class Campaign:
    """One candidacy; it outlives its tenures.

    Attributes:
        name: The singleton lease.
        standing: Whether the application's stream for it is open.
        ticker: For a job, its ticks.
        predecessor: Who held the singleton before the last attempt at it, None if nobody did.
        prefer: The member or the zone that should have it, as the application says; "": none.
    """

    def __init__(
        self,
        name: str,
        holder: Holder,
        timings: Timings,
        fresh: Callable[[], str],
        drawn: set[str],
        ticker: Ticker | None,
        epoch: int,
        prefer: str = "",
    ) -> None:
        self.name = name
        self.prefer = prefer
        self.standing = True
        self.ticker = ticker
        self.predecessor: Predecessor | None = None
        self._holder = holder
        self._timings = timings
        self._fresh = fresh
        self._drawn = drawn
        self._epoch = epoch
        self._tenure: _Tenure | None = None
        self._free_since: float | None = None

    @property
    def idle(self) -> bool:
        """Nothing is held and nobody stands: the campaign can be forgotten."""
        return not self.standing and self._tenure is None

    @property
    def holds(self) -> bool:
        """Whether a tenure exists, also one that is ending."""
        return self._tenure is not None

    @property
    def runs(self) -> bool:
        """Whether a tenure exists that nothing asks to end."""
        return self._tenure is not None and self._tenure.stage is _Stage.HELD

    def is_tenure(self, nonce: str) -> bool:
        """Whether this is the tenure that is held."""
        return self._tenure is not None and self._tenure.record.nonce == nonce

    @property
    def record(self) -> Lease | None:
        """The tenure's record as it was last written or found, None without a tenure."""
        return self._tenure.record if self._tenure else None

    @property
    def token(self) -> int:
        """The tenure's fencing token, 0 without one."""
        return self._tenure.token if self._tenure else 0

    def may_move(self, since: float) -> bool:
        """Whether it may be handed over to a better place: held since then, and between ticks."""
        tenure = self._tenure
        if tenure is None or tenure.stage is not _Stage.HELD or tenure.since > since:
            return False
        return self.ticker is None or not self.ticker.is_busy

    def acquire(self, view: View, patience: Callable[[str, str], float], now: float) -> Put | None:
        """The write that takes the singleton, once it is free and it is one's turn.

        Args:
            view: What the watch has shown.
            patience: For how many seconds to leave it to others once it is free, by its name and
                its preference.
            now: One's own clock.
        """
        if self._tenure or not self.standing or not view.is_free(self.name, self._drawn, now):
            self._free_since = None
            return None
        if self._free_since is None:
            self._free_since = now
        if now < self._free_since + patience(self.name, self.prefer):
            return None
        there = view.lease(self.name)
        nonce = self._fresh()
        self._drawn.add(nonce)
        record = Lease(
            self.name,
            holder=self._holder.incarnation,
            member=self._holder.member,
            nonce=nonce,
            write=self._fresh(),
            former=self._note_predecessor(view),
            duration=self._timings.lease_duration,
            body=there.body if there else "",
        )
        return Put(record, there.version if there else 0)

    def _note_predecessor(self, view: View) -> tuple[str, ...]:
        there = view.lease(self.name)
        if there and there.nonce in self._drawn and not there.is_released:
            return there.former  # an attempt of one's own that came to nothing
        before = self.predecessor = view.predecessor(self.name)
        return (before.holder, before.end) if before else ()

    def stored(self, put: Put, version: int, good_until: float, now: float) -> list[Effect]:
        """The write landed: a tenure begins, goes on or is over."""
        if put.lease.released:
            self._tenure = None
            return []
        if self._tenure and self._tenure.record.nonce == put.lease.nonce:
            self._tenure.record, self._tenure.version = put.lease, version
            return self._ticked(put.lease.body, now)
        return self._begin(put.lease, version, good_until, now)

    def found(self, put: Put, lease: Lease | None) -> list[Effect]:
        """The write did not land, or not last: this is the record that stands there."""
        if self._tenure is None or self._tenure.record.nonce != put.lease.nonce:
            return []  # an acquisition that failed
        if self.ticker:
            self.ticker.failed()
        if lease is not None and lease.is_same_tenure(put.lease) and not lease.released:
            self._go_on_from(self._tenure, lease)
            return []
        if put.lease.released:
            self._tenure = None
            return []
        return self._revoke(TAKEN_AWAY)

    def observe(self, view: View) -> None:
        """Go on from the record as it stands, where somebody has changed its body (rule 12).

        Not while a write of one's own is under way: its answer says what came of it.
        """
        lease, tenure = view.lease(self.name), self._tenure
        if lease is None or tenure is None or lease.version <= tenure.version:
            return
        if lease.is_same_tenure(tenure.record) and not lease.released:
            self._go_on_from(tenure, lease)

    def extend(self, view: View, good_until: float, now: float) -> list[Effect]:
        """A renewal counts: the tenure goes on if the watch shows its record in place (rule 2)."""
        tenure = self._tenure
        if tenure is None or tenure.stage is _Stage.OVER or view.version < tenure.version:
            return []
        lease = view.lease(self.name)
        if lease is None or not lease.is_same_tenure(tenure.record) or lease.released:
            return self._revoke(TAKEN_AWAY)
        if not tenure.extended or now >= tenure.not_after or good_until <= tenure.not_after:
            return []
        tenure.not_after = good_until
        return [Tell(self.name, Heartbeat(good_until))]

    def check(self, view: View, now: float) -> list[Effect]:
        """What the watch and the time that passed mean for the tenure."""
        tenure = self._tenure
        if tenure is None:
            return []
        effects: list[Effect] = []
        lease = view.lease(self.name)
        in_place = lease is not None and lease.is_same_tenure(tenure.record)
        if view.version >= tenure.version and not in_place:
            effects = self._revoke(TAKEN_AWAY)
        elif now >= tenure.not_after:
            effects = self._revoke(DEADLINE_PASSED)
        if now >= tenure.not_after + self._timings.margins:
            tenure.stage = _Stage.OVER
        return effects

    def amend(self, wall: float) -> Put | None:
        """The write that claims or closes a tick, when there is one to claim or close."""
        tenure = self._tenure
        if tenure is None or tenure.stage is _Stage.OVER or self.ticker is None:
            return None
        body = self.ticker.propose(wall, claim=tenure.stage is _Stage.HELD)
        if body is None:
            return None
        return Put(replace(tenure.record, body=body, write=self._fresh()), tenure.version)

    def overtaken(self) -> list[Effect]:
        """What the application is to cancel for a tick that is due."""
        ids = self.ticker.overtaken() if self.ticker else []
        return [Tell(self.name, TickOvertaken(one)) for one in ids]

    def release(self, wall: float) -> Put | None:
        """The write that gives the singleton back, once nothing of the tenure runs (rule 6)."""
        tenure = self._tenure
        if tenure is None or tenure.stage is not _Stage.OVER:
            return None
        closing = self.ticker.propose(wall, claim=False) if self.ticker else None
        record = replace(
            tenure.record,
            released=tenure.record.nonce,
            write=self._fresh(),
            body=tenure.record.body if closing is None else closing,
        )
        return Put(record, tenure.version)

    def stop(self, reason: str, grace: float) -> list[Effect]:
        """Ask the application to finish the step at hand (a hand-over on purpose).

        It may be asked again, as when a drain begins during a move: the shorter grace counts.
        """
        tenure = self._tenure
        if tenure is None or not tenure.extended or tenure.stage is _Stage.OVER:
            return []
        tenure.stage = _Stage.ENDING
        return [Tell(self.name, Stopping(reason, grace))]

    def stopped(self, nonce: str) -> None:
        """The application says that nothing of this tenure runs any more."""
        if self._tenure and self._tenure.record.nonce == nonce:
            self._tenure.stage = _Stage.OVER

    def leave(self) -> None:
        """The application's stream has ended. That is not death (rule 9): the deadline decides."""
        self.standing = False
        if self._tenure and self._tenure.stage is not _Stage.OVER:
            self._tenure.stage = _Stage.ENDING
            self._tenure.extended = False

    def drop(self, reason: str) -> list[Effect]:
        """The incarnation has ended, and with it the tenure; there is nothing left to write."""
        effects = self._revoke(reason)
        self._tenure = None
        return effects

    def next_look(self, view: View, wall_offset: float, now: float) -> float:
        """When there is something to do again, if nothing happens before.

        Turns and first sights nobody tells of: they are looked at a few times a period.
        """
        if self._tenure is None:
            is_taken = view.is_taken(self.name, self._holder.incarnation)
            period = self._timings.renew_period
            return now + (self._timings.lease_duration if is_taken else period / 4)
        if self._tenure.stage is _Stage.HELD and self.ticker:
            return min(self._tenure.not_after, self.ticker.next_wall() - wall_offset)
        late = self._timings.margins if self._tenure.stage is _Stage.ENDING else 0.0
        return self._tenure.not_after + late

    def _begin(self, record: Lease, version: int, good_until: float, now: float) -> list[Effect]:
        # It only ever grows: versions are the store's, not the record's.
        token = (self._epoch << _EPOCH_SHIFT) + version
        self._tenure = _Tenure(record, version, token, good_until, now)
        if self.ticker:
            self.ticker.begin(record.body)
        if now >= good_until or not self.standing:
            self._tenure.stage = _Stage.OVER  # it was never told to anybody
            return []
        return [Tell(self.name, Granted(record.nonce, str(token), good_until))]

    def _go_on_from(self, tenure: _Tenure, lease: Lease) -> None:
        tenure.record, tenure.version = lease, lease.version
        if self.ticker:
            self.ticker.seen(lease.body)

    def _ticked(self, body: str, now: float) -> list[Effect]:
        tenure = self._tenure
        if tenure is None or self.ticker is None:
            return []
        due = self.ticker.committed(body, tenure.not_after)
        if due is None or tenure.stage is not _Stage.HELD or now >= tenure.not_after:
            return []
        return [Tell(self.name, due)]

    def _revoke(self, reason: str) -> list[Effect]:
        tenure = self._tenure
        if tenure is None or not tenure.extended or tenure.stage is _Stage.OVER:
            return []
        tenure.stage = _Stage.ENDING
        tenure.extended = False
        return [Tell(self.name, Revoked(reason))]
