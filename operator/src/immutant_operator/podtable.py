"""What the status says of each pod.

Belongs here: the rows. Not here: the rest of the status (`status`).
"""

from collections import Counter
from typing import Final

from immutant_operator.grid import Grid
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet, Pod
from immutant_operator.roster import Roster

__all__ = ["rows"]

_MOST: Final = 500
"""Rows: about 80 KB, of the 1.5 MiB that an object may have."""


def rows(fleet: Fleet, grid: Grid, roster: Roster) -> list[Json]:
    """A row for each pod, by ordinal."""
    held = Counter(one.pod for one in roster.tenures)
    return [_row(pod, fleet, grid, held[pod.name]) for pod in fleet.pods[:_MOST]]


def _row(pod: Pod, fleet: Fleet, grid: Grid, singletons: int) -> Json:
    row: Json = {
        "name": pod.name,
        "ready": pod.ready,
        "member": grid.is_member(pod),
        "singletons": singletons,
        "updated": bool(fleet.revision) and not fleet.outdated(pod),
    }
    drain = _drain(pod, grid)
    return {**row, "drain": drain} if drain else row


def _drain(pod: Pod, grid: Grid) -> str:
    lease = grid.lease(pod)
    if lease is None or not lease.draining:
        return ""
    return "drained" if lease.ended == "resigned" else "draining"
