"""How gently singletons move: the waits, and how they grow where things keep going wrong.

Belongs here: durations and the memory that multiplies them. Not here: what is waited for
(`placement`, `view`).
"""

from dataclasses import dataclass
from typing import Final, Self

from immutant.contract.timings import Timings

__all__ = ["UNHURRIED", "Pace", "Strikes"]

UNHURRIED: Final = 365 * 86_400.0
"""Seconds of grace in a move: it is no reason to cancel a step, let alone to end a process."""

_MEMORY: Final = 6 * 3600.0
"""Seconds until what went wrong is forgotten: longer than four of the longest waits in a row, 80
minutes each, so that a wait which has come to its longest stays there."""

_MOST_DOUBLINGS: Final = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """How gently singletons move; all in seconds.

    Attributes:
        settle: For how long a member must have been there, and a tenure, before a move.
        pause: Between two moves of one holder.
        cool: Until what was wanted, and not taken when it was free, is given away again.
        failing: For how long a report of failures counts: a daemon that still fails reports anew
            within its longest pause, 60 s, and one that ran for 60 s does not fail any more.
        away: For how long a member steps back from a singleton that failed there.
        step: For how long a move holds up the next, while the daemon's step goes on.
    """

    settle: float
    pause: float
    cool: float
    failing: float = 150.0
    away: float = 300.0
    step: float = 60.0

    @classmethod
    def of(cls, timings: Timings) -> Self:
        """The pace that goes with these timings: counted in renewals where those matter."""
        period = timings.renew_period
        return cls(settle=5 * period, pause=period, cool=10 * period)


class Strikes:
    """Counts by name, of the last six hours."""

    def __init__(self) -> None:
        self._moments: dict[str, list[float]] = {}

    def add(self, name: str, now: float) -> None:
        """It went wrong once more."""
        self._moments[name] = [*self._recent(name, now), now]

    def factor(self, name: str, now: float) -> float:
        """By how much to multiply a wait: doubled each time, up to sixteen."""
        return float(2 ** min(len(self._recent(name, now)), _MOST_DOUBLINGS))

    def _recent(self, name: str, now: float) -> list[float]:
        return [moment for moment in self._moments.get(name, ()) if now - moment < _MEMORY]
