"""How long to wait before trying again.

Belongs here: the one formula. Pure: randomness comes in as an argument.
"""

from dataclasses import dataclass
from random import Random

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits with jitter.

    Attributes:
        first: Seconds after the first failure.
        most: Seconds that no wait exceeds.
        factor: By how much each wait exceeds the one before.
    """

    first: float = 1.0
    most: float = 300.0
    factor: float = 2.0

    def delay(self, failures: int, random: Random) -> float:
        """Seconds to wait after so many failures in a row (1 or more).

        Half of it is drawn at random, so that those who failed together don't return together.
        """
        doublings = min(failures - 1, 64)  # beyond it a float power would only overflow
        whole = min(self.most, self.first * self.factor**doublings)
        return whole * random.uniform(0.5, 1.0)
