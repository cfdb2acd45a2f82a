"""What a grid member sees of its grid, as its sidecar tells it to the operator.

Belongs here: the one coder for it. It travels in the body of the member lease. Not here: how a
member finds it out (`Safety` in images/member), and what the operator makes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["GridView"]

_LONGEST = 64
"""Characters of a view that are read; a hand may have written more."""


@dataclass(frozen=True, slots=True)
class GridView:
    """What one member sees.

    Attributes:
        members: How many members, itself included; 0: it does not answer.
        view: A text that two members have in common if they see the same members in the same lives,
            and only then: what was said before one came or went is not taken for what is so now.
        safe: Whether all that it owns is on its other owners too, as far as there are any.
    """

    members: int = 0
    view: str = ""
    safe: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it stands in the body of a lease."""
        return {"members": self.members, "view": self.view, "safe": self.safe}

    @classmethod
    def of(cls, said: object) -> "GridView | None":
        """What was said; None where it cannot be read, or nothing was."""
        if not isinstance(said, Mapping):
            return None
        members, view, safe = said.get("members"), said.get("view"), said.get("safe")
        if isinstance(members, bool) or not isinstance(members, int) or members < 0:
            return None
        if not isinstance(view, str) or not isinstance(safe, bool):
            return None
        return cls(members, view[:_LONGEST], safe)
