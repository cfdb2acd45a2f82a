"""What passes between a coordinator and an application, as JSON.

Belongs here: the one coder for both ends. Any language can speak it: an event is a line,
{"event": "granted", …}; a job is an object.
"""

import json
from dataclasses import asdict, fields
from typing import Any, TypeVar

from immutant.errors import CoordinatorError
from immutant.link import (
    Event,
    Granted,
    Heartbeat,
    JobStatus,
    Probe,
    Revoked,
    Stopping,
    TickDue,
    TickOvertaken,
    TickRun,
)

__all__ = ["decode_event", "decode_job", "encode_event", "encode_job"]

T = TypeVar("T", JobStatus, TickRun)

_KINDS: dict[str, type[Event]] = {
    "granted": Granted,
    "heartbeat": Heartbeat,
    "stopping": Stopping,
    "revoked": Revoked,
    "tick": TickDue,
    "overtaken": TickOvertaken,
    "probe": Probe,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_FIELDS = {kind: [field.name for field in fields(kind)] for kind in _KINDS.values()}


def encode_event(event: Event) -> bytes:
    """The event as one line."""
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)}).encode() + b"\n"


def decode_event(line: dict[str, Any]) -> Event | None:
    """The event of a parsed line; None for a kind that this version does not know.

    Fields that it does not know are left out: a coordinator may be one minor version newer.

    Raises:
        CoordinatorError: The line is no event.
    """
    try:
        kind = _KINDS.get(line["event"])
        return kind(**{name: line[name] for name in _FIELDS[kind]}) if kind else None
    except (KeyError, TypeError) as error:
        raise CoordinatorError(f"the coordinator sent what is no event: {line!r}") from error


def encode_job(status: JobStatus) -> dict[str, Any]:
    """The job as a JSON object."""
    return asdict(status)


def decode_job(found: dict[str, Any]) -> JobStatus:
    """The job that `encode_job` wrote; what this version does not know is left out.

    Raises:
        CoordinatorError: The object is no job.
    """
    try:
        runs = {what: tuple(_known(TickRun, one) for one in found[what]) for what in _RUNS}
        return _known(JobStatus, {**found, **runs})
    except (KeyError, TypeError, AttributeError) as error:
        raise CoordinatorError(f"the coordinator sent what is no job: {found!r}") from error


_RUNS = ("open", "runs", "asked")


def _known(kind: type[T], found: dict[str, Any]) -> T:
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in found.items() if name in names})
