"""How long to wait before trying again.

Belongs here: the one formula. Pure: randomness comes in as an argument.
"""

from dataclasses import dataclass
from random import Random

from immutant.durations import Duration, positive, seconds
from immutant.errors import DefinitionError
from immutant.place import Place

__all__ = ["Backoff"]

_STEEPEST = 1000.0
"""Growth beyond this is no backoff any more, and its powers leave the range of floats."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits with jitter.

    Attributes:
        first: The wait after the first failure, seconds or text like "100ms".
        most: What no wait exceeds.
        factor: By how much each wait exceeds the one before, 1 to 1000.

    Raises:
        DefinitionError: These cannot be; the text says why.
    """

    first: Duration = 1.0
    most: Duration = 300.0
    factor: float = 2.0

    def __post_init__(self) -> None:
        with Place.of_caller().named():
            self._check()

    def delay(self, failures: int, random: Random) -> float:
        """Seconds to wait after so many failures in a row (1 or more).

        Half of it is drawn at random, so that those who failed together don't return together.
        """
        doublings = min(failures - 1, 64)  # beyond it a float power would only overflow
        whole = min(seconds(self.most), seconds(self.first) * self.factor**doublings)
        return whole * random.uniform(0.5, 1.0)

    def _check(self) -> None:
        first, most = positive(self.first, "Backoff.first"), positive(self.most, "Backoff.most")
        if first > most:
            raise DefinitionError(
                f"the first wait of {first:g} s is longer than the longest of {most:g} s; "
                "write Backoff(first=…, most=…) with a longer most"
            )
        if not isinstance(self.factor, int | float) or not 1 <= self.factor <= _STEEPEST:
            raise DefinitionError(f"Backoff.factor={self.factor!r} must be a number, 1 to 1000")
