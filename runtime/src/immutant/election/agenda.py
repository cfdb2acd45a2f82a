"""When which record is to be looked at again.

Belongs here: an index by moment, so that an event costs what it concerns, however many singletons
there are. Not here: what is looked at, and why then (`candidacies`).
"""

import math
from heapq import heappop, heappush

__all__ = ["Agenda"]


class Agenda:
    """Names, each with the earliest moment that was asked for."""

    def __init__(self) -> None:
        self._moments: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []

    def add(self, name: str, moment: float = -math.inf) -> None:
        """Look at it then, at the latest; at once by default."""
        if moment < self._moments.get(name, math.inf):
            self._moments[name] = moment
            heappush(self._heap, (moment, name))

    def due(self, now: float) -> list[str]:
        """What is to be looked at now, each once; it is on the agenda no more."""
        names: list[str] = []
        while self.next() <= now:
            _, name = heappop(self._heap)
            del self._moments[name]
            names.append(name)
        return names

    def next(self) -> float:
        """When something is to be looked at again."""
        # What was asked for earlier later on has left an entry that counts no more.
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf
