"""Writing status and events.

Belongs here: when they are written: only when something has changed, so that nothing is said twice.
Not here: what they say.
"""

import datetime
import hashlib
from typing import Final

from immutant_operator.api import APP_KIND, Api, ConflictError
from immutant_operator.moves import Budget, News, news
from immutant_operator.objects import Json
from immutant_operator.risk import GRAVE, QUIET
from immutant_operator.roster import Roster
from immutant_operator.store import Store

__all__ = ["now", "report", "tell"]

_MANAGER: Final = "immutant-operator-status"


def now() -> str:
    """The time as Kubernetes writes it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def report(
    api: Api,
    store: Store,
    body: Json,
    status: Json,
    roster: Roster | None = None,
    budget: Budget | None = None,
) -> None:
    """Write the status if it is another than the app has, and an event for each news in it.

    Args:
        api: The API.
        store: Where the app as it is then is kept: what was told is told once.
        body: The app.
        status: Its status from now on.
        roster: What its Leases say, where they were looked at.
        budget: How many events may be told of them.
    """
    former = body.get("status") or {}
    if former == status:
        return
    version, kind = APP_KIND
    metadata = {key: body["metadata"][key] for key in ("name", "namespace")}
    manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, "status": status}
    store.saw(await api.apply(manifest, _MANAGER, "status"))
    for one in _news(former, status):
        await tell(api, body, one)
    if roster is not None and budget is not None:
        for one in budget.granted(news(former, roster)):
            await tell(api, body, one)


def _news(former: Json, status: Json) -> list[News]:
    """What conditions say that is new.

    What is said is the reason; a message alone, with its counts, is news only for a problem.
    """
    before = {one["type"]: one for one in former.get("conditions") or ()}
    return [
        News(_kind(one), one["reason"], one["message"])
        for one in status["conditions"]
        if _is_news(before.get(one["type"]), one)
    ]


def _kind(condition: Json) -> str:
    bad = condition["type"] == "Degraded" and condition["status"] == "True"
    return "Warning" if bad or condition["reason"] in GRAVE else "Normal"


def _is_news(before: Json | None, now: Json) -> bool:
    if now["type"] == "GridSafe":
        return False  # each step of a rollout takes it to and fro; Progressing says what is awaited
    if now["type"] == "DataAtRisk" and before and {before["reason"], now["reason"]} <= QUIET:
        return False
    if before is None:
        return bool(now["status"] == "True")
    if now["type"] == "Degraded" and now["status"] == "True":
        return any(before[key] != now[key] for key in ("status", "reason", "message"))
    return bool(before["status"] != now["status"] or before["reason"] != now["reason"])


async def tell(api: Api, body: Json, said: News) -> None:
    """Write an event about an app."""
    metadata, moment = body["metadata"], now()
    text = f"{metadata['uid']}{said.reason}{said.message}{moment}"
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{metadata['name']}.{hashlib.sha256(text.encode()).hexdigest()[:16]}",
            "namespace": metadata["namespace"],
        },
        "involvedObject": {
            "apiVersion": APP_KIND[0],
            "kind": APP_KIND[1],
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        },
        "type": said.kind,
        "reason": said.reason,
        "message": said.message[:1000],
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
