"""Apps and their replicas as lines of tables, and as records for programs.

Belongs here: columns and cells. Pure. Not here: finding anything out, and printing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from immutant.cli.printing import Row, plain
from immutant.remote.apps import App, Condition
from immutant.remote.gears import Gear
from immutant.run.gears import Gear as Replica

__all__ = [
    "REPLICA_COLUMNS",
    "age",
    "app_columns",
    "app_record",
    "app_row",
    "condition_row",
    "gear_table",
    "instant",
    "replica_row",
]

REPLICA_COLUMNS: Final = ("NAME", "STATE", "PID", "WEB", "SINGLETONS", "RESTARTS")
_GEAR_COLUMNS: Final = (
    *("POD", "NODE", "STATE", "READY", "MEMBER", "SINGLETONS", "ENTRIES", "RESTARTS"),
)
_GOOD: Final = "[green]{}[/]"
_BAD: Final = "[red]{}[/]"
_DIM: Final = "[dim]{}[/]"
_STATES: Final[Mapping[str, str]] = {
    "running": _GOOD,
    "starting": "[yellow]{}[/]",
    "restarting": "[yellow]{}[/]",
    "stopping": "[yellow]{}[/]",
    "leaving": "[yellow]{}[/]",
    "stopped": _DIM,
}
_LONGEST: Final = 60
"""Characters of a trouble in a table; `immutant status APP` shows it whole."""


def app_columns(*, everywhere: bool) -> list[str]:
    """The header of a list of apps."""
    return [
        *(["NAMESPACE"] if everywhere else []),
        "NAME",
        "READY",
        "SOURCE",
        "URL",
        "AGE",
        "TROUBLE",
    ]


def app_row(app: App, *, everywhere: bool) -> list[str]:
    """An app in a list."""
    trouble = app.trouble
    return [
        *([app.namespace] if everywhere else []),
        app.name,
        (_BAD if trouble else _GOOD).format(plain(app.ready) or "-"),
        plain(f"{app.kind} {app.running}".rstrip()),
        plain(app.url) or "-",
        age(app.created),
        plain(_short(trouble)) or "-",
    ]


def app_record(app: App) -> Mapping[str, Any]:
    """An app for programs."""
    return {
        "namespace": app.namespace,
        "name": app.name,
        "ready": app.ready,
        "replicas": app.replicas,
        "source": app.kind,
        "revision": app.running,
        "url": app.url,
        "created": app.created,
        "trouble": app.trouble,
    }


def gear_table(gears: Sequence[Gear]) -> tuple[Row, Sequence[Row]]:
    """Pods: the header, and the lines. Where none has failed, there is no column about it."""
    rows = [_gear_row(one) for one in gears]
    if not any(one.failing for one in gears):
        return _GEAR_COLUMNS, rows
    whole = [[*row, _trouble(one)] for row, one in zip(rows, gears, strict=True)]
    return (*_GEAR_COLUMNS, "TROUBLE"), whole


def _trouble(gear: Gear) -> str:
    return plain(_short(f"{gear.failing}: {gear.trouble}")) if gear.failing else "-"


def _gear_row(gear: Gear) -> list[str]:
    return [
        gear.name,
        gear.node or "-",
        _STATES.get(gear.state, _BAD).format(plain(gear.state)),
        _yes(gear.ready),
        _yes(gear.member),
        plain(", ".join(gear.singletons)) or "-",
        "-" if gear.entries is None else str(gear.entries),
        str(gear.restarts),
    ]


def replica_row(replica: Replica) -> list[str]:
    """A replica of `immutant run` in a list."""
    return [
        replica.name,
        _STATES.get(replica.state, _BAD).format(replica.state),
        str(replica.pid or "-"),
        "up" if replica.web else "down",
        plain(", ".join(replica.singletons or ())) or "-",
        str(replica.restarts),
    ]


def condition_row(kind: str, condition: Condition, *, good: str) -> list[str]:
    """A condition in a list; `good` is the status that it should have."""
    colour = _GOOD if condition.status == good else "[yellow]{}[/]"
    return [
        kind,
        colour.format(plain(condition.status)),
        plain(condition.reason),
        plain(condition.message),
    ]


def age(stamp: str, now: datetime | None = None) -> str:
    """How long ago an instant in RFC 3339 was, in the largest unit; "-": there is none."""
    try:
        passed = (now or datetime.now(UTC)) - datetime.fromisoformat(stamp)
    except ValueError:
        return "-"
    seconds = max(0, int(passed.total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def instant(stamp: str) -> str:
    """An instant in RFC 3339, in the local time of whoever reads it; "-": there is none."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return "-"
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _yes(flag: bool) -> str:
    return _GOOD.format("yes") if flag else _BAD.format("no")
