"""The order of members for a singleton: the first of those that stand for it should have it.

Belongs here: the order, and members as their leases show them. Not here: what is done to come to
that order (`placement`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from immutant.election.stance import Stance
from immutant.election.view import View
from immutant.leases import Lease

__all__ = ["Peer", "Rank", "peers", "rank"]

Rank = tuple[bool, bool, bytes, str]


def rank(singleton: str, prefer: str, member: str, stance: Stance) -> Rank:
    """A member's place in the order for a singleton; the greatest should have it.

    Who does not avoid it comes first, then who is preferred, then the highest rendezvous weight:
    every member computes the same order, and when one comes or goes only the singletons that it
    wins or held move (Thaler and Ravishankar, 1998).
    """
    preferred = bool(prefer) and prefer in (member, stance.zone)
    return singleton not in stance.avoids, preferred, _weight(singleton, member), member


@lru_cache(maxsize=1 << 16)
def _weight(singleton: str, member: str) -> bytes:
    return blake2b(f"{singleton}\0{member}".encode(), digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class Peer:
    """A living member, as its lease shows it."""

    lease: Lease
    stance: Stance

    def rank(self, singleton: str, prefer: str) -> Rank:
        """Its place in the order; see `rank`."""
        return rank(singleton, prefer, self.lease.member, self.stance)

    def wants(self, singleton: str, prefer: str) -> bool:
        """Whether it wants the singleton, and ranks by the same preference.

        During a rolling update two versions of the code may prefer differently. Between their
        orders a singleton could go round in circles.
        """
        return self.stance.wants.get(singleton) == prefer


def peers(view: View, incarnation: str) -> Iterator[Peer]:
    """The living members but this one."""
    for lease in view.members():
        if lease.holder != incarnation:
            yield Peer(lease, Stance.of(lease.body))
