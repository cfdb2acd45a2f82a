"""Which member a singleton should go to."""

from collections.abc import Iterable
from hashlib import blake2b

__all__ = ["preferred"]


def preferred(singleton: str, members: Iterable[str]) -> str | None:
    """The member with the highest rendezvous weight for this singleton, None without members.

    Every member computes the same answer from the same membership, and when a member comes or
    goes only the singletons that it wins or held move (Thaler and Ravishankar, 1998).
    """
    return max(members, key=lambda member: (_weight(singleton, member), member), default=None)


def _weight(singleton: str, member: str) -> bytes:
    return blake2b(f"{singleton}\0{member}".encode(), digest_size=8).digest()
