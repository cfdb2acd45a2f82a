"""The Leases of an app's pods: who lives, and what each says of the grid.

Belongs here: reading one of them, leniently: sidecars may be a version older or newer, and hands
edit Leases. Not here: what follows from all of them (`grid`), and since when (`sightings`).
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from immutant.contract import names
from immutant.contract.gridview import GridView
from immutant.contract.records import is_member_lease
from immutant_operator.objects import Json

__all__ = ["DURATION", "MemberLease", "by_pod"]

_DRAINING: Final = "draining"
"""The whole body of one that drains."""

DURATION: Final = 4.0
"""Seconds, where a Lease does not say after how long a silence it has expired."""


@dataclass(frozen=True, slots=True)
class MemberLease:
    """What one pod's Lease says.

    Attributes:
        pod_uid: The UID of the pod that wrote it; another pod of that name has not.
        stamp: Another text with each renewal.
        ended: How that life has ended: resigned or expelled; "" while it lasts.
        draining: Whether it takes nothing more, since it is about to leave.
        view: What its grid member sees; None where it does not say.
        duration: Seconds of silence after which it has expired.
    """

    pod_uid: str
    stamp: str = ""
    ended: str = ""
    draining: bool = False
    view: GridView | None = None
    duration: float = DURATION


def by_pod(app: str, uid: str, leases: Iterable[Json]) -> dict[str, MemberLease]:
    """The member Leases of an app by the UIDs of pods; a former app's of the name are left out."""
    found = (_read(app, uid, one["metadata"]) for one in leases)
    return {one.pod_uid: one for one in found if one is not None and one.pod_uid}


def _read(app: str, uid: str, metadata: Json) -> MemberLease | None:
    notes = metadata.get("annotations") or {}
    said = {
        name: str(notes.get(names.ANNOTATION_PREFIX + name, ""))
        for name in ("record", "holder", "write", "ended", "body", "duration")
    }
    own = (metadata.get("labels") or {}).get(names.UID_LABEL) == uid
    if not own or not is_member_lease(app, said["record"]):
        return None
    return MemberLease(
        pod_uid=said["holder"].split("/")[1] if said["holder"].count("/") == 2 else "",
        stamp="\0".join((said["holder"], said["write"], said["ended"])),
        ended=said["ended"],
        draining=said["body"] == _DRAINING,
        view=GridView.of(_object(said["body"]).get("grid")),
        duration=_seconds(said["duration"]),
    )


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return DURATION
    return found if math.isfinite(found) and found > 0 else DURATION
