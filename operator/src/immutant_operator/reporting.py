"""Writing status and events.

Belongs here: when they are written: only when something has changed, so that nothing is said twice.
Not here: what they say.
"""

import datetime
import hashlib
from typing import Final

from immutant_operator.api import APP_KIND, Api, ConflictError, Json

__all__ = ["now", "report"]

_MANAGER: Final = "immutant-operator-status"

_TOLD: Final = {"Degraded": "Warning", "Progressing": "Normal", "Ready": "Normal"}
"""Conditions whose changes are events, and of which type."""


def now() -> str:
    """The time as Kubernetes writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def report(api: Api, body: Json, status: Json) -> None:
    """Write the status if it is another than the app has, and an event for each news in it."""
    former = body.get("status") or {}
    if former == status:
        return
    version, kind = APP_KIND
    metadata = {key: body["metadata"][key] for key in ("name", "namespace")}
    manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, "status": status}
    await api.apply(manifest, _MANAGER, "status")
    for condition in _news(former, status):
        await _tell(api, body, condition)


def _news(former: Json, status: Json) -> list[Json]:
    """The conditions that say something new.

    What is said is the reason; a message alone, with its counts, is news only for a problem.
    """
    before = {one["type"]: one for one in former.get("conditions") or ()}
    return [one for one in status["conditions"] if _is_news(before.get(one["type"]), one)]


def _is_news(before: Json | None, now: Json) -> bool:
    if before is None:
        return bool(now["status"] == "True")
    if now["type"] == "Degraded" and now["status"] == "True":
        return any(before[key] != now[key] for key in ("status", "reason", "message"))
    return bool(before["status"] != now["status"] or before["reason"] != now["reason"])


async def _tell(api: Api, body: Json, condition: Json) -> None:
    metadata, moment = body["metadata"], now()
    bad = condition["type"] == "Degraded" and condition["status"] == "True"
    said = f"{metadata['uid']}{condition['reason']}{condition['message']}{moment}"
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{hashlib.sha256(said.encode()).hexdigest()[:16]}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": APP_KIND[0],
            "kind": APP_KIND[1],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": "Warning" if bad else "Normal",
        "reason": condition["reason"],
        "message": condition["message"][:1000],
        "source": {"component": "immutant-operator"},
        "reportingComponent": "immutant-operator",
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
    try:
        await api.create(event)
    except ConflictError:
        return  # the same was said in this second
