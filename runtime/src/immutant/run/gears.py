"""The list of replicas that `immutant gears` prints.

Belongs here: the record of one replica and how a list of them is printed. Pure.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

__all__ = ["Gear", "as_json", "as_table"]


@dataclass(frozen=True, slots=True)
class Gear:
    """One replica as it stands.

    Attributes:
        state: starting, running, restarting, stopping, stopped or failed.
        pid: The application's process; None when it does not run.
        coordinator: The coordinator's process; None when it does not run.
        web: Whether the router gives it requests.
        singletons: What it holds, as "daemon.NAME" and "job.NAME"; None when it is not known.
        restarts: How often its application or coordinator was started again after it died.
    """

    name: str
    state: str
    pid: int | None
    coordinator: int | None
    web: bool
    singletons: Sequence[str] | None
    restarts: int


def as_json(gears: Sequence[Gear]) -> str:
    """The list for programs."""
    return json.dumps([asdict(gear) for gear in gears], indent=2)


def as_table(gears: Sequence[Gear]) -> str:
    """The list for people."""
    rows = [("NAME", "STATE", "PID", "WEB", "SINGLETONS", "RESTARTS"), *map(_row, gears)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (zip(row, widths, strict=True) for row in rows)
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in line).rstrip() for line in lines
    )


def _row(gear: Gear) -> tuple[str, ...]:
    return (
        gear.name,
        gear.state,
        str(gear.pid or "-"),
        "up" if gear.web else "down",
        ", ".join(gear.singletons or ()) or "-",
        str(gear.restarts),
    )
