"""One's own member lease: joining, renewing, and the end of an incarnation.

Belongs here: which write to send next and which renewals count (rules 1, 2 and 4). Not here:
singletons and other members.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum, auto

from immutant.contract.timings import Timings
from immutant.election.effects import Put
from immutant.election.stance import DRAINING, Stance
from immutant.election.view import View
from immutant.leases import Lease

__all__ = ["Life", "Membership"]

_FORMER_KEPT = 8


class Life(Enum):
    """Where an incarnation stands; it only ever moves forward."""

    OUTSIDE = auto()
    JOINED = auto()
    RESIGNING = auto()
    ENDED = auto()


class Membership:
    """The life of one incarnation in its member lease.

    Attributes:
        life: Where it stands.
        leaves: Whether it is to end, whatever is under way.
        good_until: The deadline that the last renewal that counts gives, in seconds since boot.
        draining: Whether the record is to say that this member takes nothing more.
        counted: When the renewals were sent that the last `count` reached.
        stance: What the next renewal says beside that.
    """

    def __init__(
        self, name: str, member: str, incarnation: str, timings: Timings, fresh: Callable[[], str]
    ) -> None:
        self.life = Life.OUTSIDE
        self.leaves = False
        self.good_until = 0.0
        self.draining = False
        self.counted: list[float] = []
        self.stance = Stance()
        self._name = name
        self._member = member
        self._incarnation = incarnation
        self._timings = timings
        self._fresh = fresh
        self._version = 0
        self._record = Lease(name)
        self._sent: dict[str, float] = {}
        self._landed: list[tuple[int, float]] = []
        self._next_renewal = 0.0

    def join(self, view: View, now: float) -> Put | None:
        """The write that joins, once the record may be taken."""
        there = view.lease(self._name)
        if self.life is Life.OUTSIDE and there and self._knows_me(there):
            self._adopt(there)
        if self.life is not Life.OUTSIDE or self.leaves:
            return None
        if not view.may_overwrite(self._name, now):
            return None
        former = (there.holder, *there.former) if there and there.holder else ()
        self._record = Lease(
            self._name,
            holder=self._incarnation,
            member=self._member,
            nonce=self._incarnation,
            former=former[:_FORMER_KEPT],
            duration=self._timings.lease_duration,
        )
        self._version = there.version if there else 0
        return self._put(now)

    def renew(self, now: float) -> Put | None:
        """The next renewal, when it is time."""
        return self._put(now) if self.is_due(now) else None

    def is_due(self, now: float) -> bool:
        """Whether it is time for a renewal."""
        if self.life is not Life.JOINED:
            return False
        return now >= self._next_renewal or (self.draining and self._record.body != DRAINING)

    def resign(self, now: float) -> Put | None:
        """The write that ends this life and with one stroke frees all its singletons."""
        if self.life is not Life.RESIGNING:
            return None
        self._record = replace(self._record, ended="resigned")
        return self._put(now)

    def leave(self) -> None:
        """Resign as soon as possible; who never joined is gone at once.

        A join that is under way may land yet, and its record would have to be waited out: it is
        seen to its end first.
        """
        self.leaves = True
        if self.life is Life.JOINED:
            self.life = Life.RESIGNING
        elif self.life is Life.OUTSIDE and not self._sent:
            self.life = Life.ENDED

    def stored(self, put: Put, version: int) -> None:
        """The write landed."""
        if put.lease.ended:
            self.life = Life.ENDED
            return
        self._enter()
        self._version = version
        self._landed.append((version, self._sent.pop(put.lease.write, 0.0)))

    def found(self, put: Put, lease: Lease | None) -> None:
        """The write did not land, or not last: this is the record that stands there (rule 1)."""
        self._sent.pop(put.lease.write, None)
        if self.leaves or self.life is not Life.OUTSIDE or (lease and self._knows_me(lease)):
            self._adopt(lease)

    def observe(self, view: View) -> None:
        """End when the watch shows that the record is no longer one's own."""
        if self.life in (Life.OUTSIDE, Life.ENDED) or view.version < self._version:
            return
        lease = view.lease(self._name)
        if lease is None or lease.holder != self._incarnation or lease.ended:
            self.life = Life.ENDED

    def count(self, view: View) -> bool:
        """Count the renewals that the watch has reached (rule 2); True when the deadline moved."""
        reached = [sent for version, sent in self._landed if version <= view.version]
        self.counted = [sent for sent in reached if sent]
        self._landed = [(version, sent) for version, sent in self._landed if version > view.version]
        deadlines = (sent + self._timings.renew_deadline for sent in reached)
        good_until = max([self.good_until, *deadlines])
        moved = good_until > self.good_until
        self.good_until = good_until
        return moved

    def next_wake(self) -> float:
        """When there is something to do again."""
        return self._next_renewal if self.life is Life.JOINED else float("inf")

    def _knows_me(self, lease: Lease) -> bool:
        return lease.holder == self._incarnation or self._incarnation in lease.former

    def _adopt(self, lease: Lease | None) -> None:
        """Go on from the record as it stands, or end: who was once given up never comes back."""
        if lease is None or lease.holder != self._incarnation or lease.ended:
            self.life = Life.ENDED
            return
        self._enter()
        self._version = lease.version
        self._next_renewal = 0.0

    def _enter(self) -> None:
        if self.life is Life.OUTSIDE:
            self.life = Life.RESIGNING if self.leaves else Life.JOINED

    def _put(self, now: float) -> Put:
        write = self._fresh()
        self._sent[write] = now
        self._next_renewal = now + self._timings.renew_period
        body = DRAINING if self.draining else self.stance.to_body()
        self._record = replace(self._record, write=write, body=body)
        return Put(self._record, self._version)
