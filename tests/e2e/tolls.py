"""What moves and faults cost those who use an application: the rows of two tables.

Belongs here: the counting. Not here: what is done to the application, and what may fail.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.results import Table, seconds
from tests.chaos.settings import HOW
from tests.load import Load

__all__ = ["Tolls"]

_UNDER_LOAD = (
    "under load",
    "times",
    "requests",
    "failed",
    "p99 at rest (ms)",
    "p99 meanwhile (ms)",
)
_HOW = f"{HOW}, on the testbed"
_RECOVERY = ("until", "times", "min", "median", "max")


@dataclass
class _Toll:
    """All of one kind: how often, and how long requests took (seconds) before and meanwhile."""

    times: int = 0
    answered: int = 0
    failed: int = 0
    at_rest: list[float] = field(default_factory=list)
    meanwhile: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        counts = self.times, self.answered + self.failed, self.failed
        slowest = _p99(self.at_rest), _p99(self.meanwhile)
        return [*map(str, counts), *(f"{1000 * one:.0f}" for one in slowest)]


class Tolls:
    """The tables, each row as it is by now."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self._tables = tables
        self._tolls: defaultdict[str, _Toll] = defaultdict(_Toll)
        self._recoveries: defaultdict[str, list[float]] = defaultdict(list)

    def cost(self, kind: str, load: Load, began: float, ended: float, times: int = 1) -> None:
        """Count what a load met, which has ended.

        Args:
            kind: What was done.
            load: The load.
            began: When it was done (`time.monotonic`); before, the load was at rest.
            ended: When all was whole again.
            times: How often it was done in that time.
        """
        toll = self._tolls[kind]
        toll.times += times
        toll.answered += load.answered()
        toll.failed += len(load.failures)
        toll.at_rest += load.took(until=began)
        toll.meanwhile += load.took(since=began, until=ended)
        rows = [[one, *each.cells()] for one, each in self._tolls.items()]
        self._tables["under-load"] = Table("under-load", _UNDER_LOAD, rows, _HOW)

    def recovered(self, what: str, took: float) -> None:
        """Count a recovery: what had to come, and how many seconds it took."""
        self._recoveries[what].append(took)
        rows = [[one, str(len(all_)), *seconds(all_)] for one, all_ in self._recoveries.items()]
        self._tables["recovery"] = Table("recovery", _RECOVERY, rows, _HOW)


def _p99(took: Sequence[float]) -> float:
    """Seconds within which 99 of 100 were answered."""
    assert took, "nothing was asked in that time"
    return sorted(took)[math.ceil(0.99 * len(took)) - 1]
