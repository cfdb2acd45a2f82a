"""Records that name an incarnation though it has no tenure of them: a hand wrote them.

Belongs here: finding them, and when they may be given back. Not here: the write (`core`).

Nobody else can tell such a record from a tenure, so that the singleton would be held by nobody for
as long as the incarnation lives.
"""

from collections.abc import Callable, Iterator

from immutant.election.view import View
from immutant.leases import Lease

__all__ = ["Misnamed"]


class Misnamed:
    """The singleton leases that name one incarnation and of which it may know nothing."""

    def __init__(self, view: View, own: str, incarnation: str, lease_duration: float) -> None:
        """Begin with none.

        Args:
            view: What the watch has shown.
            own: The member lease in which the name has its place.
            incarnation: Whose name is looked for.
            lease_duration: Seconds after which whoever was in the record before has stopped.
        """
        self._view = view
        self._own = own
        self._incarnation = incarnation
        self._lease_duration = lease_duration
        self._names: set[str] = set()

    def saw(self, lease: Lease | None) -> None:
        """Take note of a record that was shown."""
        if lease is not None and lease.name != self._own and self._names_me(lease):
            self._names.add(lease.name)

    def due(self, held: Callable[[str], Lease | None], now: float) -> Iterator[Lease]:
        """Those that may be given back now.

        Args:
            held: The record of the tenure that one has of a singleton, None without one.
            now: One's own clock.
        """
        for name in list(self._names):
            lease, record = self._view.lease(name), held(name)
            is_mine = lease is not None and record is not None and record.is_same_tenure(lease)
            if lease is None or is_mine or not self._names_me(lease):
                self._names.discard(name)
            elif record is None and self._view.unchanged(name, now) >= self._lease_duration:
                yield lease

    def _names_me(self, lease: Lease) -> bool:
        return lease.holder == self._incarnation and not lease.is_released
