"""What a member says of itself in the body of its member lease, to all others.

Belongs here: the one coder for it. It is written with the renewals, so it costs no write of its
own. Not here: what follows from it (`placement`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Final

from immutant.contract.gridview import GridView

__all__ = ["DRAINING", "ROOM", "Data", "Stance"]

DRAINING: Final = "draining"
"""The whole body of a member that drains: the version before knows this word, and no other."""

ROOM: Final = 64
"""How many singletons a body names in each of its lists; each renewal carries them."""


class Data(Enum):
    """How the grid's data is reached from a member's place."""

    WRITABLE = auto()
    REFUSED = auto()
    """On the smaller side of a split, or beside a grid member that does not answer."""
    GONE = auto()
    """Beside a grid member that is dead."""


@dataclass(frozen=True, slots=True)
class Stance:
    """What a member says of itself.

    Attributes:
        draining: It takes no more singletons.
        zone: The zone that it is in; "" where that is not known.
        avoids: The singletons that failed here, so that others should have them.
        wants: The singletons that it stands for and ranks before their holders for, each with the
            preference by which it ranks.
        more: It wants more than these.
        dataless: The grid's member beside it is dead, so that nothing is written there.
        grid: What the grid's member beside it sees; None where there is none, or it was not heard
            yet.
    """

    draining: bool = False
    zone: str = ""
    avoids: frozenset[str] = frozenset()
    wants: Mapping[str, str] = field(default_factory=dict)
    more: bool = False
    dataless: bool = False
    grid: GridView | None = None

    def to_body(self) -> str:
        """The body that says so; at rest, without a zone and without a grid, an empty one."""
        if self.draining:
            return DRAINING
        said: dict[str, Any] = {
            "zone": self.zone,
            "avoids": sorted(self.avoids)[:ROOM],
            "wants": dict(self.wants),
            "more": self.more,
            "dataless": self.dataless,
            "grid": self.grid.to_json() if self.grid else None,
        }
        said = {name: value for name, value in said.items() if value}
        return json.dumps(said, sort_keys=True, separators=(",", ":")) if said else ""

    @staticmethod
    @lru_cache(maxsize=256)
    def of(body: str) -> "Stance":
        """What a body says; one that cannot be read says nothing."""
        if body == DRAINING:
            return Stance(draining=True)
        try:
            said = json.loads(body) if body else {}
            return Stance(
                zone=str(said.get("zone", "")),
                avoids=frozenset(map(str, said.get("avoids", ()))),
                wants={str(name): str(by) for name, by in dict(said.get("wants", {})).items()},
                more=bool(said.get("more", False)),
                dataless=bool(said.get("dataless", False)),
                grid=GridView.of(said.get("grid")),
            )
        except (AttributeError, TypeError, ValueError, RecursionError):
            return Stance()
