"""Events as lines of JSON, for the stream between a coordinator and an application.

Belongs here: the one coder for both ends. Any language can speak it: {"event": "granted", …}.
"""

import json
from dataclasses import asdict, fields
from typing import Any

from immutant.errors import CoordinatorError
from immutant.link import Event, Granted, Heartbeat, Revoked, Stopping, TickDue

__all__ = ["decode_event", "encode_event"]

_KINDS: dict[str, type[Event]] = {
    "granted": Granted,
    "heartbeat": Heartbeat,
    "stopping": Stopping,
    "revoked": Revoked,
    "tick": TickDue,
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
