"""Events as lines of JSON, for the stream between a coordinator and an application.

Belongs here: the one coder for both ends. Any language can speak it: {"event": "granted", …}.
"""

import json
from dataclasses import asdict
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


def encode_event(event: Event) -> bytes:
    """The event as one line."""
    return json.dumps({"event": _NAMES[type(event)], **asdict(event)}).encode() + b"\n"


def decode_event(line: dict[str, Any]) -> Event | None:
    """The event of a parsed line; None for a kind that a newer coordinator may send.

    Raises:
        CoordinatorError: The line is no event.
    """
    try:
        kind = _KINDS.get(line.pop("event"))
        return kind(**line) if kind else None
    except (KeyError, TypeError, AttributeError) as error:
        raise CoordinatorError(f"the coordinator sent what is no event: {line!r}") from error
