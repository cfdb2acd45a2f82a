"""What a running app answered, as the lines of tables.

Belongs here: columns and cells. Pure. Not here: what is asked, and printing (`printing`).
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from immutant.cli import printing
from immutant.cli.printing import Row

if TYPE_CHECKING:
    from immutant.console.requests import Json

__all__ = [
    "caches",
    "entries",
    "jobs",
    "letters",
    "queues",
]

_WIDEST: Final = 60
"""Characters of a cell; `-o json` has all of it."""

Table = tuple[Row, Sequence[Row]]
"""The header, and the lines."""


def queues(queues: "Sequence[Json]") -> Table:
    """Queues by state of their messages."""
    states = ("ready", "delayed", "leased", "dead")
    rows = [
        (one["name"], *(one[state] for state in states), _listed(one["listeners"]))
        for one in queues
    ]
    return _table(("NAME", *map(str.upper, states), "LISTENERS"), rows)


def letters(answer: "Json") -> Table:
    """Dead letters."""
    rows = [
        (
            one["queue"],
            one["id"],
            one["attempts"],
            _instant(one["died_at"]),
            one["reason"],
            _value(one),
        )
        for one in answer["letters"]
    ]
    return _table(("QUEUE", "ID", "ATTEMPTS", "DIED", "REASON", "BODY"), rows)


def jobs(jobs: "Sequence[Json]") -> Table:
    """Jobs: what was, what is, what comes."""
    heads = ("NAME", "SCHEDULE", "STATE", "NEXT", "LAST", "OUTCOME", "HOLDER")
    return _table(heads, [_job(one) for one in jobs])


def caches(caches: "Sequence[Json]") -> Table:
    """Caches and how much is in them."""
    rows = [
        (
            one["name"],
            "fenced" if one["fenced"] else "-",
            one["entries"],
            "-" if one["ttl"] is None else f"{one['ttl']:g}s",
        )
        for one in caches
    ]
    return _table(("NAME", "MODE", "ENTRIES", "TTL"), rows)


def entries(answer: "Json") -> Table:
    """A cache's entries."""
    entries = answer["entries"]
    return _table(("KEY", "VALUE"), [(one["key"], _value(one)) for one in entries])


def _job(job: "Json") -> tuple[object, ...]:
    schedule = f"{job['schedule']} {job['tz']}".rstrip()
    status = job["status"]
    if status is None:
        return job["name"], schedule, job["note"], "-", "-", "-", "-"
    state = (
        "unscheduled" if status["unscheduled"] else "paused" if status["paused"] else "scheduled"
    )
    if status["open"]:
        state += f", {status['open'][-1]['outcome']}"
    last = status["runs"][-1] if status["runs"] else {}
    return (
        job["name"],
        schedule,
        state,
        _instant(job["next"]),
        _instant(last.get("ended")),
        last.get("outcome", "-"),
        status["holder"] or "-",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "-"


def _value(found: "Json") -> str:
    if "base64" in found:
        return f"base64 {found['base64']}"
    return json.dumps(found["value"], ensure_ascii=False)


def _instant(seconds: float | None) -> str:
    """In the local time of whoever reads it."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _table(columns: Row, rows: Sequence[Sequence[object]]) -> Table:
    return columns, [[_cell(one) for one in row] for row in rows]


def _cell(value: object) -> str:
    """In one line, whatever an error's text or a key has in it, and no markup."""
    text = " ".join(str(value).split())
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    short = shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + "…"
    return printing.plain(short)
