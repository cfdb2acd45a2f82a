"""What the status says of daemons and jobs.

Belongs here: the fields, and how often they may change. Not here: reading the Leases (`roster`),
the rest of the status (`status`), events (`moves`).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from immutant_operator.objects import Json
from immutant_operator.roster import JobRecord, Roster

__all__ = ["reported"]

_MOST: Final = 500
"""Entries of a list: about 60 KB, of the 1.5 MiB that an object may have."""

_PAUSE: Final = 60.0
"""Seconds between two writes of the status for the sake of jobs alone. A job that runs each second
would else have it written each second, each write bringing the next look."""


def reported(roster: Roster, former: Mapping[str, Any], now: str) -> Json:
    """The fields of the status that are about singletons.

    Args:
        roster: What the Leases say.
        former: The status as it was.
        now: The time, in RFC 3339.
    """
    held = roster.tenures[:_MOST]
    return {
        "singletons": len(roster.tenures),
        "holders": [
            {
                "kind": one.singleton.kind,
                "name": one.singleton.name,
                "pod": one.pod,
                "since": one.since,
            }
            for one in held
        ],
        "failing": [
            {"kind": one.kind, "name": one.name, "pod": pod} for one, pod in roster.failing[:_MOST]
        ],
        **_jobs([_job(one) for one in roster.jobs[:_MOST]], former, now),
    }


def _jobs(found: list[Json], former: Mapping[str, Any], now: str) -> Json:
    told, as_of = former.get("jobs"), former.get("jobsAsOf")
    if told is None or as_of is None:
        return {"jobs": found, "jobsAsOf": now}
    if found == told or 0 <= _seconds(as_of, now) < _PAUSE:
        return {"jobs": told, "jobsAsOf": as_of}
    return {"jobs": found, "jobsAsOf": now}


def _job(job: JobRecord) -> Json:
    texts = {"due": job.due, "ended": job.ended, "outcome": job.outcome}
    return {
        "name": job.name,
        **{name: text for name, text in texts.items() if text},
        "running": job.running,
    }


def _seconds(since: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()
