"""How new versions come, and what becomes of pods on nodes that have died.

Belongs here: the fields under `spec.rollout` and `spec.nodes`. Not here: what is done by them.
"""

from typing import Annotated, Any, Final

from pydantic import Field, WithJsonSchema

from immutant_operator.spec.base import Model, Seconds

__all__ = ["Nodes", "Rollout"]

_PERCENT: Final = r"^([1-9][0-9]?|100)%$"
_COUNT_OR_PERCENT: Final[dict[str, Any]] = {
    "anyOf": [{"type": "integer"}, {"type": "string"}],
    "pattern": _PERCENT,
    "minimum": 1,
    "maximum": 1000,
    "x-kubernetes-int-or-string": True,
}

Count = Annotated[int, Field(ge=1, le=1000)]
Percent = Annotated[str, Field(pattern=_PERCENT)]


class Rollout(Model):
    """How a new version takes the place of the former one."""

    max_unavailable: Annotated[Count | Percent, WithJsonSchema(_COUNT_OR_PERCENT)] = 1
    """How many pods go at once, or how many of a hundred; never so many as keep an entry."""
    paused: bool = False
    """True: no pod is replaced for a new version; one that has to be made anew has it."""
    progress_deadline: Seconds = 600.0
    """A rollout that stands still for this long is reported as stalled."""

    def most(self, replicas: int) -> int:
        """How many of so many pods may go at once; one at least."""
        if isinstance(self.max_unavailable, int):
            return self.max_unavailable
        return max(1, replicas * int(self.max_unavailable.removesuffix("%")) // 100)


class Nodes(Model):
    """What becomes of pods when nodes die."""

    replace_dead: bool = True
    """Whether a pod on a node that has died is made anew elsewhere before the node is back."""
