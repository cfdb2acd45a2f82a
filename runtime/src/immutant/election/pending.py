"""The writes that are under way: one at a time to each record, and what becomes of them.

Belongs here: which record has a write under way, and when it may have the next after one that did
not land. Not here: what is written (`core` asks the parts for it).
"""

import math
from collections.abc import Callable
from typing import Final

from immutant.election.effects import Put

__all__ = ["Pending"]

_SELDOM: Final = 8
"""Pauses to which the distance of reads grows, doubling, while nobody answers: an API server that
is too slow for its clients must not be asked more for it."""

_MOST: Final = 32
"""Writes to singletons that are under way at once: a renewal never waits behind a thousand."""


class Pending:
    """The writes of one incarnation that have no answer yet, by record."""

    def __init__(self, pause: float) -> None:
        """Begin with none.

        Args:
            pause: Seconds from a write that did not land, or the first read that failed, to the
                next.
        """
        self._pause = pause
        self._puts: dict[str, Put] = {}
        self._retry: dict[str, float] = {}
        self._rereads: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._puts

    def names(self) -> list[str]:
        """The records to which a write is under way."""
        return list(self._puts)

    def is_full(self) -> bool:
        """Whether what is not urgent has to wait for an answer."""
        return len(self._puts) >= _MOST

    def send(self, name: str, make: Callable[[], Put | None], now: float) -> Put | None:
        """What is to be written to a record now, if anything is and it may be."""
        if name in self._puts or now < self._retry.get(name, -math.inf):
            return None
        self._retry.pop(name, None)
        put = make()
        if put is not None:
            self._puts[name] = put
        return put

    def of(self, name: str) -> Put:
        """The write to this record that is under way."""
        return self._puts[name]

    def landed(self, name: str) -> None:
        """The write under way landed."""
        self._puts.pop(name, None)
        self._failures.pop(name, None)

    def failed(self, name: str, now: float) -> None:
        """It did not: the next comes after a pause."""
        del self._puts[name]
        self._failures.pop(name, None)
        self._retry[name] = now + self._pause

    def retry_at(self, name: str) -> float:
        """When the next write to this record may be sent; infinite if it need not wait."""
        return self._retry.get(name, math.inf)

    def reread(self, name: str, now: float, *, urgent: bool) -> None:
        """The read that was to settle it failed: read again after a pause.

        Args:
            name: The record.
            now: The member's clock.
            urgent: Whether the pause is not to grow.
        """
        failures = 0 if urgent else self._failures.get(name, 0)
        self._failures[name] = failures + 1
        self._rereads[name] = now + self._pause * min(2**failures, _SELDOM)

    def rereads_due(self, now: float) -> list[str]:
        """The records to be read again now."""
        due = [name for name, moment in self._rereads.items() if moment <= now]
        for name in due:
            del self._rereads[name]
        return due

    def next_reread(self) -> float:
        """When a record is to be read again."""
        return min(self._rereads.values(), default=math.inf)
