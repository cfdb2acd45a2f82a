"""How many pods of an app may be missing at once, on purpose.

The one number for rollouts and for node drains. Belongs here: the number. Not here: which pods
(`rollout`), and the PodDisruptionBudget that says it to others (`builders.budget`).
"""

from dataclasses import dataclass
from typing import Final

from immutant_operator.spec import App

__all__ = ["ONE", "Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast pods may be replaced.

    Attributes:
        most: How many at once, as far as the copies of the data allow it.
        owners: How many pods keep each entry.
        paused: Whether none is replaced for now.
    """

    most: int = 1
    owners: int = 2
    paused: bool = False

    @classmethod
    def of(cls, app: App) -> "Pace":
        """An app's."""
        rollout = app.spec.rollout
        return cls(rollout.most(app.spec.replicas), app.spec.cache.owners, rollout.paused)

    def at_once(self, size: int) -> int:
        """How many of so many pods: each entry must be left on one of the others."""
        return max(1, min(self.most, self.owners - 1, size - 1))


ONE: Final = Pace()
