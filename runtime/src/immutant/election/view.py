"""What this member has seen of the lease records, and since when.

Belongs here: first sights on this member's own clock, and what they prove. Not here: what to do
about it.
"""

import math
from dataclasses import dataclass, replace

from immutant.contract.records import is_member_lease, member_lease
from immutant.election.observer import End, Predecessor
from immutant.election.pace import Strikes
from immutant.election.stance import DRAINING
from immutant.leases import Lease, LeaseEvent, LeaseSnapshot

__all__ = ["View"]


@dataclass(slots=True)
class _Sight:
    lease: Lease | None
    since: float
    listed: bool = False


@dataclass(frozen=True, slots=True)
class _Life:
    """The incarnation that a member lease shows, and when it was first seen there."""

    holder: str
    since: float


@dataclass(frozen=True, slots=True)
class _Ousted:
    """A holder that vanished from a singleton's record without having released it."""

    holder: str
    member: str
    since: float


class View:
    """The records as the ordered watch has shown them.

    Attributes:
        version: How far the watch has come.
        deaths: How often a member's life has ended without a drain, by member lease.
    """

    def __init__(self, app: str, lease_duration: float, *, absence_is_proof: bool) -> None:
        self.version = 0
        self.deaths = Strikes()
        self._begun = math.inf
        self._app = app
        self._lease_duration = lease_duration
        self._absence_is_proof = absence_is_proof
        self._sights: dict[str, _Sight] = {}
        self._lives: dict[str, _Life] = {}
        self._ousted: dict[str, list[_Ousted]] = {}
        self._disowned: dict[str, float] = {}
        self._proved_dead: set[str] = set()
        self._signs: dict[str, float] = {}
        self._ends: dict[str, End] = {}
        self._listed = False
        self._early: list[LeaseEvent] = []

    def reset(self, snapshot: LeaseSnapshot, now: float) -> None:
        """Take a new listing; what did not change keeps its first sight.

        One that was overtaken by the watch, as by a slow answer, says nothing new.
        """
        if self._listed and snapshot.version < self.version:
            return
        self._begun = min(self._begun, now)
        names = {lease.name for lease in snapshot.leases}
        for lease in snapshot.leases:
            self._see(lease.name, lease, now, listed=True)
        for name in [name for name in self._sights if name not in names]:
            self._see(name, None, now, listed=True)
        self.version = max(self.version, snapshot.version)
        self._listed = True
        early, self._early = self._early, []
        for event in early:
            self.apply(event, now)

    def apply(self, event: LeaseEvent, now: float) -> bool:
        """Take one event of the watch; True if a member's record tells more than a renewal.

        One that comes before the first listing waits for it: whose record it replaces is not known
        yet, and that listing may be older than the event.
        """
        if not self._listed:
            self._early.append(event)
            return False
        if event.version <= self.version:
            return False
        before = self.lease(event.name)
        self._see(event.name, event.lease, now)
        self.version = event.version
        return self._is_member(event.name) and _life(before) != _life(event.lease)

    def is_others(self, name: str, own: str) -> bool:
        """Whether a record is the lease of a member, and not one's own."""
        return name != own and self._is_member(name)

    def lease(self, name: str) -> Lease | None:
        """The record, None when it is missing."""
        sight = self._sights.get(name)
        return sight.lease if sight else None

    def all_members(self) -> list[Lease]:
        """The member leases, also of those whose lives have ended."""
        leases = (self._sights[name].lease for name in self._lives)
        return [lease for lease in leases if lease and lease.holder]

    def members(self) -> list[Lease]:
        """The member leases whose holders' lives have not ended, as far as one can see."""
        return [lease for lease in self.all_members() if not lease.ended]

    def living(self, incarnation: str) -> Lease | None:
        """The member lease of an incarnation whose life has not ended, as far as one can see."""
        return next((lease for lease in self.members() if lease.holder == incarnation), None)

    def age(self, name: str, now: float) -> float:
        """For how long a member lease has shown the incarnation that it shows, by first sight."""
        return now - self._lives[name].since if name in self._lives else 0.0

    def unchanged(self, name: str, now: float) -> float:
        """For how long the record has been as it is, by one's own first sight.

        A name that never turned up is missing since the first listing, which would have had it.
        """
        return now - self._sights.setdefault(name, _Sight(None, self._begun)).since

    def predecessor(self, name: str) -> Predecessor | None:
        """Who is in a singleton's record that is free, None when nobody is."""
        lease = self.lease(name)
        if lease is None or not lease.holder:
            return None
        end, seen = self._end(lease), self._sights[name].since
        sign = seen if end == "released" else self._signs.get(lease.holder, seen)
        return Predecessor(lease.holder, end, sign)

    def restart_wait(self, name: str, now: float) -> None:
        """Begin to wait anew: somebody else may have changed the record."""
        self._sights[name] = replace(self._sights.get(name, _Sight(None, now)), since=now)

    def prove_dead(self, incarnation: str) -> None:
        """Note a proof of death that is stronger than time."""
        self._proved_dead.add(incarnation)

    def is_silent(self, member: Lease, now: float) -> bool:
        """Whether this live member may be expelled: proved dead, or silent for long enough."""
        patience = max(member.duration, self._lease_duration)
        return member.holder in self._proved_dead or self.unchanged(member.name, now) >= patience

    def may_overwrite(self, name: str, now: float) -> bool:
        """Whether one's own member lease is there for the taking (rules 4 and 5)."""
        lease = self.lease(name)
        if lease is None:
            return self._absence_is_proof or self._waited(self.unchanged(name, now))
        if not lease.holder:
            return self._waited(self.unchanged(name, now))
        return bool(lease.ended)

    def is_free(self, name: str, drawn: set[str], now: float) -> bool:
        """Whether a singleton's record may be taken now.

        Args:
            name: The singleton lease.
            drawn: The nonces that the asker itself has drawn and for which nothing of its own runs.
            now: The asker's clock.
        """
        free = self._record_is_free(name, drawn, now)
        ousted = [one for one in self._ousted.get(name, ()) if not self._is_over(one, now)]
        self._ousted[name] = ousted
        return free and not ousted

    def is_taken(self, name: str, incarnation: str) -> bool:
        """Whether it is another's that lives, as far as one can see: no wait will free it."""
        lease = self.lease(name)
        if lease is None or lease.holder == incarnation or lease.is_released:
            return False
        member = self.lease(member_lease(self._app, lease.member))
        return member is not None and member.holder == lease.holder != "" and not member.ended

    def could_follow(self, name: str, now: float) -> bool:
        """Whether a release of the record would free it at once: nobody is waited out (ousted)."""
        return all(self._is_over(one, now) for one in self._ousted.get(name, ()))

    def _record_is_free(self, name: str, drawn: set[str], now: float) -> bool:
        lease = self.lease(name)
        if lease is None:
            return self._absence_is_proof or self._waited(self.unchanged(name, now))
        if not lease.holder:
            return self._waited(self.unchanged(name, now))
        if lease.nonce in drawn:
            return True
        if not lease.is_released and not self._is_dead(lease.holder, lease.member, now):
            return False
        # Known from a listing alone, this may be an old record that was put back by hand a moment
        # ago, over a holder that was never seen here and runs on until it notices (rule 5).
        seen_written = self._absence_is_proof or not self._sights[name].listed
        return seen_written or self._waited(self.unchanged(name, now))

    def _is_over(self, ousted: _Ousted, now: float) -> bool:
        dead = self._is_dead(ousted.holder, ousted.member, now)
        return dead or self._waited(now - ousted.since)

    def _is_dead(self, incarnation: str, member: str, now: float) -> bool:
        lease = self.lease(member_lease(self._app, member))
        if lease is not None and lease.holder == incarnation:
            self._disowned.pop(incarnation, None)
            return bool(lease.ended)
        if lease is not None and incarnation in lease.former:
            return True
        # The member lease is missing, malformed or another's without saying what became of this
        # incarnation: that proves nothing, but its renewals fail from here on (rule 5).
        return self._waited(now - self._disowned.setdefault(incarnation, now))

    def _end(self, lease: Lease) -> End:
        if lease.is_released:
            return "released"
        return self._ends.get(lease.holder, "lost")

    def _see(self, name: str, lease: Lease | None, now: float, *, listed: bool = False) -> None:
        before = self.lease(name)
        if name in self._sights and before == lease:
            return
        if self._is_member(name):
            self._note_life(before, lease, now)
            self._note_end(lease)
        elif before and before.holder:
            if (
                lease
                and not listed
                and lease == replace(before, version=lease.version, body=lease.body)
            ):
                # A command to a job: whose it is has not been written, and is no better known.
                self._sights[name] = replace(self._sights[name], lease=lease)
                return
            self._note_ousting(before, lease, now)
        if lease and lease.holder and lease.ended != "expelled" and self._is_member(name):
            self._signs[lease.holder] = now
        self._sights[name] = _Sight(lease, now, listed)

    def _note_life(self, before: Lease | None, after: Lease | None, now: float) -> None:
        if after is None or not after.holder:
            return
        former = self._lives.get(after.name)
        if former and former.holder == after.holder:
            return
        self._lives[after.name] = _Life(after.holder, now)
        has_left = before and before.ended == "resigned" and before.body == DRAINING
        if former and not has_left:
            self.deaths.add(after.name, now)

    def _note_end(self, lease: Lease | None) -> None:
        """Remember how a life ended: the next one soon has its place in the record."""
        if lease and lease.ended:
            self._ends[lease.holder] = "resigned" if lease.ended == "resigned" else "expelled"

    def _note_ousting(self, before: Lease, after: Lease | None, now: float) -> None:
        """Remember a holder that was overwritten without a release.

        Nothing is lost by it when the successor was entitled to: the holder is dead then. But when
        a record was edited or restored by hand, the old holder runs on until it notices.
        """
        if before.is_released or (after and after.is_same_tenure(before)):
            return
        self._ousted.setdefault(before.name, []).append(_Ousted(before.holder, before.member, now))

    def _is_member(self, name: str) -> bool:
        return is_member_lease(self._app, name)

    def _waited(self, waited: float) -> bool:
        return waited >= self._lease_duration


def _life(lease: Lease | None) -> tuple[str, str, tuple[str, ...]] | None:
    """What a member lease says of lives; a renewal says the same."""
    return (lease.holder, lease.ended, lease.former) if lease else None
