"""The lease record and the store that keeps it.

Belongs here: what a lease is, to whoever stores one and to whoever reasons about one.
Not here: the reasoning (`immutant.election`) and the stores themselves.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Hold", "Lease", "LeaseEvent", "LeaseSnapshot", "LeaseStore"]


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease record, as it stands in a store or is to be written to it.

    A *member lease* (`APP.member.N`) belongs to one life of one coordinator, a *singleton
    lease* (`APP.daemon.NAME`, `APP.job.NAME`) to one tenure. A record that could not be read as
    one is given with an empty `holder`: it exists, and proves nothing.

    Attributes:
        name: The record's name, unique in the store.
        version: The store's version of this record: grows with every write to any record of the
            store. 0 in a record that is not stored yet.
        holder: The incarnation that holds it; "" when the record is malformed.
        member: The member (pod, replica) that the holder is an incarnation of.
        nonce: Drawn anew for each tenure (singleton lease) or incarnation (member lease).
        write: Drawn anew for each write, so that a lost reply can be settled by reading.
        released: The nonce of the tenure that gave this record up; "" while it is held.
        ended: On a member lease, how its holder's life ended: "", "expelled" or "resigned".
        former: On a member lease, the last incarnations that were proved dead before this one. On
            a singleton lease, who held it before, and in a word how that ended; empty when the
            holder found none. Nobody decides by the latter: it is for those who are told.
        duration: Seconds without a change after which an observer may expel the holder.
        body: Text that belongs to the holder; the election carries it and never reads it.
    """

    name: str
    version: int = 0
    holder: str = ""
    member: str = ""
    nonce: str = ""
    write: str = ""
    released: str = ""
    ended: str = ""
    former: tuple[str, ...] = ()
    duration: float = 0.0
    body: str = ""

    @property
    def is_released(self) -> bool:
        """Whether the tenure that the record is of has given it up."""
        return self.released == self.nonce != ""

    def is_same_tenure(self, other: "Lease") -> bool:
        """Whether both are of one tenure: also a record whose nonce alone was kept is another's."""
        mine = (self.nonce, self.holder, self.member)
        return mine == (other.nonce, other.holder, other.member)


@dataclass(frozen=True, slots=True)
class LeaseEvent:
    """One change seen by a watch: `lease` is None when the record was deleted."""

    name: str
    version: int
    lease: Lease | None


@dataclass(frozen=True, slots=True)
class LeaseSnapshot:
    """All records of the application at one version of the store."""

    leases: Sequence[Lease]
    version: int


class Hold(Protocol):
    """The proof that an incarnation lives: held by every process that may act in its name.

    Attributes:
        path: The file that such a process locks, shared; None where there is no such proof.
    """

    @property
    def path(self) -> Path | None: ...

    def release(self) -> None:
        """Act in its name no more."""


class LeaseStore(Protocol):
    """Where lease records live: compare-and-swap, an ordered watch, and the store's own time.

    Attributes:
        absence_is_proof: True where a record that is missing has never existed. False where
            somebody may have deleted it, so that its absence proves nothing.
    """

    absence_is_proof: bool

    async def snapshot(self) -> LeaseSnapshot:
        """All records, read from the truth and never from a cache that may lag."""

    def watch(self, since: int) -> AsyncIterator[LeaseEvent]:
        """Every change after version `since`, each once, in the order of versions.

        Ends or raises StoreError when the order can no longer be kept; then list again.
        """

    async def read(self, name: str) -> Lease | None:
        """The record as it stands now, None when there is none."""

    async def write(self, lease: Lease, expect: int) -> int:
        """Store the record if it still has version `expect` (0: if there is none).

        Returns:
            The new version.

        Raises:
            ConflictError: It has another version; nothing was stored.
            StoreError: It is unknown whether it was stored; read to find out.
        """

    async def wall(self) -> float:
        """The store's calendar time in seconds since the epoch, the same for all members."""

    def hold(self, incarnation: str) -> "Hold":
        """Hold the proof that this incarnation lives, where the store knows such a proof."""

    def deaths(self) -> AsyncIterator[str]:
        """Incarnations proved dead by something stronger than time (a lock the kernel released).

        Ends at once where the store knows no such proof.
        """
