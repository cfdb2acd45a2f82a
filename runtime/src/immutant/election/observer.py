"""What can be counted of an election; told as it happens, decided by nobody.

Belongs here: what an observer hears. Not here: counting, and what becomes of the numbers.
"""

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["DEADLINE_PASSED", "LIFE_ENDED", "TAKEN_AWAY", "End", "Observer", "Predecessor"]

DEADLINE_PASSED: Final = "its deadline passed without a renewal"
LIFE_ENDED: Final = "this member's life in the cluster has ended"
TAKEN_AWAY: Final = "its lease was taken away"

End = Literal["released", "resigned", "expelled", "lost"]
"""How a holder ended: it gave the singleton back; its life was given up; its death was written
down; or its end was not seen, since its member lease is another's or gone."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """Who held a singleton before.

    Attributes:
        holder: The incarnation.
        end: How it ended.
        sign: When this member saw its last sign of life, or its release, in seconds since boot.
    """

    holder: str
    end: End
    sign: float


class Observer:
    """Hears what happens; this one makes nothing of it."""

    def renewed(self, seconds: float) -> None:
        """A renewal counts, so many seconds after it was sent (rule 2)."""

    def ran(self, job: str, outcome: str) -> None:
        """It is written down how a run ended: "ok", "interrupted", "cancelled" or the error."""

    def passed_over(self, job: str, ticks: int) -> None:
        """It is written down that so many ticks will not be run."""
