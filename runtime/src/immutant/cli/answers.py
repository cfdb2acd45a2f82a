"""How answers are printed.

Belongs here: tables for people, JSON and YAML for programs. Pure but for the imports that YAML
needs. Not here: what is asked.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from immutant.console.requests import Json
    from immutant.values import Value

__all__ = [
    "Format",
    "caches_table",
    "entries_table",
    "jobs_table",
    "letters_table",
    "printed",
    "queues_table",
]

_WIDEST: Final = 60
"""Characters of a cell; `-o json` has all of it."""

Rows = Sequence[Sequence[object]]


class Format(StrEnum):
    """How a listing is printed."""

    table = "table"
    json = "json"
    yaml = "yaml"


def printed(answer: "Value", output: Format, table: str) -> str:
    """The answer in the format that was asked for; `table` is that for people."""
    if output is Format.table:
        return table
    if output is Format.json:
        return json.dumps(answer, indent=2, ensure_ascii=False)
    import yaml

    return str(yaml.safe_dump(answer, sort_keys=False, allow_unicode=True)).rstrip()


def queues_table(queues: "Sequence[Json]") -> str:
    """Queues by state of their messages."""
    states = ("ready", "delayed", "leased", "dead")
    rows = [
        (one["name"], *(one[state] for state in states), _listed(one["listeners"]))
        for one in queues
    ]
    return _table(("NAME", *map(str.upper, states), "LISTENERS"), rows)


def letters_table(answer: "Json") -> str:
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
    more = "\nthere are more: --limit" if answer["more"] else ""
    return _table(("QUEUE", "ID", "ATTEMPTS", "DIED", "REASON", "BODY"), rows) + more


def jobs_table(jobs: "Sequence[Json]") -> str:
    """Jobs: what was, what is, what comes."""
    heads = ("NAME", "SCHEDULE", "STATE", "NEXT", "LAST", "OUTCOME", "HOLDER")
    return _table(heads, [_job(one) for one in jobs])


def caches_table(caches: "Sequence[Json]") -> str:
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


def entries_table(answer: "Json") -> str:
    """A cache's entries."""
    entries = answer["entries"]
    left = answer["size"] - len(entries)
    more = f"\nthere are about {left} more: --limit" if left > 0 else ""
    return _table(("KEY", "VALUE"), [(one["key"], _value(one)) for one in entries]) + more


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


def _table(heads: Sequence[str], rows: Rows) -> str:
    cells = [list(heads), *([_cell(one) for one in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (zip(row, widths, strict=True) for row in cells)
    return "\n".join("   ".join(one.ljust(width) for one, width in line).rstrip() for line in lines)


def _cell(value: object) -> str:
    """In one line, whatever an error's text or a key has in it."""
    text = " ".join(str(value).split())
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + "…"
