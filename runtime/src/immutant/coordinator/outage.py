"""A store that does not answer: said once, asked again at growing distances.

Belongs here: the state of one outage. Not here: what is asked.
"""

import logging

from immutant.errors import StoreError

__all__ = ["Outage"]

_log = logging.getLogger("immutant.coordinator")


class Outage:
    """Failures since the last success; each thing that is wrong is logged once."""

    def __init__(self, first: float, most: float) -> None:
        """Nothing has failed.

        Args:
            first: Seconds to wait after a success or a first failure.
            most: What the wait grows to, doubling.
        """
        self._first = first
        self._most = most
        self._told: set[str] = set()
        self.pause = first

    def failed(self, error: StoreError) -> None:
        """The store failed."""
        if (text := str(error)) not in self._told:
            _log.warning("lost sight of the leases: %s", text)
        self.pause = min(2 * self.pause, self._most) if self._told else self._first
        self._told.add(text)

    def over(self) -> None:
        """The store answered."""
        if self._told:
            _log.warning("the leases are in sight again")
        self._told.clear()
        self.pause = self._first
