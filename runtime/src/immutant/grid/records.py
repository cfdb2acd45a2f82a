"""A queue's message as the grid keeps it: one JSON record, and the moves from one to the next.

Belongs here: states, keys, the stored form. Pure: no grid, no clock. Not here: which move is made
when (`messages`, `sweeper`).

A message's id begins with the number of its sending, in hexadecimal of fixed width, so that ids
sort in the order of sending. Its key in the dispatch queue is the priority, turned round, before
the id: what sorts first is received first (the member's DispatchOrder). Every change draws a new
`change`, so that a compare-and-swap of a record names one version of it and no other.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from immutant.stores import Delivery, Outgoing, StoredLetter

__all__ = ["Record", "State", "dispatch_key", "message_id", "message_of"]

_HIGHEST: Final = 9
_VERSION: Final = 1


class State(StrEnum):
    """Where a message is.

    PENDING belongs to a batch that is not sent as a whole yet; DELAYED waits for its time; DEAD
    is delivered no more.
    """

    PENDING = "pending"
    READY = "ready"
    DELAYED = "delayed"
    LEASED = "leased"
    DEAD = "dead"


def message_id(sequence: int, place: int) -> str:
    """The id of the message in that place of the sending with that number."""
    return f"{sequence:012x}.{place:06x}.{secrets.token_hex(4)}"


def dispatch_key(priority: int, message: str) -> str:
    """What the dispatch queue holds of a message."""
    return f"{_HIGHEST - priority}:{message}"


def message_of(key: str) -> str:
    """The id of the message with that key in the dispatch queue."""
    return key.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a message.

    Attributes:
        id: The message's.
        state: Where it is.
        body: The content.
        headers: Text by text.
        priority: 0 to 9.
        sent_at: Seconds since the epoch.
        attempt: How often it was delivered.
        change: Drawn for this version.
        batch: The batch it was sent in, while it is PENDING; else "".
        due: When its delay ends, seconds since the epoch; None: it has none.
        expires: When it dies unless somebody holds it, seconds since the epoch; None: never.
        visibility: Seconds that its lease holds without a change.
        mark: The receive that holds it or held it last.
        reason: Why it is DEAD.
        died_at: Since when, seconds since the epoch.
    """

    id: str
    state: State
    body: bytes
    headers: Mapping[str, str]
    priority: int
    sent_at: float
    attempt: int = 0
    change: str = ""
    batch: str = ""
    due: float | None = None
    expires: float | None = None
    visibility: float = 0.0
    mark: str = ""
    reason: str = ""
    died_at: float = 0.0

    @classmethod
    def sent(cls, message: Outgoing, number: str, now: float, *, batch: str = "") -> "Record":
        """A message as it is when it is sent; PENDING as long as its batch is."""
        due = now + message.delay if message.delay > 0 else None
        record = cls(
            id=number,
            state=State.PENDING,
            body=bytes(message.body),
            headers=dict(message.headers),
            priority=message.priority,
            sent_at=now,
            batch=batch,
            due=due,
            expires=None if message.ttl is None else now + message.ttl,
        )
        return record.changed() if batch else record.released()

    @property
    def key(self) -> str:
        """What the dispatch queue holds of it."""
        return dispatch_key(self.priority, self.id)

    @property
    def wake(self) -> float | None:
        """When it changes by itself, seconds since the epoch."""
        if self.state is State.READY:
            return self.expires
        if self.state is State.DELAYED:
            return min(moment for moment in (self.due, self.expires) if moment is not None)
        return None

    def changed(self) -> "Record":
        """The same as a version of its own."""
        return replace(self, change=secrets.token_hex(6))

    def released(self) -> "Record":
        """As its sending or the end of its batch leaves it: DELAYED if it has a delay, or READY."""
        state = State.READY if self.due is None else State.DELAYED
        return replace(self, state=state, batch="").changed()

    def leased(self, mark: str, visibility: float) -> "Record":
        """In the hands of a receive, for the next attempt."""
        return replace(
            self, state=State.LEASED, attempt=self.attempt + 1, mark=mark, visibility=visibility
        ).changed()

    def extended(self, visibility: float) -> "Record":
        """Still in the same hands."""
        return replace(self, visibility=visibility).changed()

    def given_back(self, due: float | None, *, counted: bool) -> "Record":
        """In nobody's hands any more; `counted=False` takes the attempt back."""
        return replace(
            self,
            state=State.READY if due is None else State.DELAYED,
            attempt=self.attempt - (0 if counted else 1),
            due=due,
        ).changed()

    def ready(self) -> "Record":
        """Its delay or lease over."""
        return replace(self, state=State.READY, due=None).changed()

    def dead(self, reason: str, now: float) -> "Record":
        """A dead letter."""
        return replace(self, state=State.DEAD, reason=reason, died_at=now).changed()

    def expired(self) -> "Record":
        """A dead letter that nobody received in time."""
        return self.dead("expired", self.expires or self.sent_at)

    def is_expired(self, now: float) -> bool:
        """Whether its time to live is over, if nobody holds it."""
        return self.expires is not None and self.expires <= now

    def delivery(self) -> Delivery:
        """What its holder is given."""
        return Delivery(self.id, self.attempt, self.body, self.headers, self.priority, self.sent_at)

    def letter(self) -> StoredLetter:
        """What is told of it once it is dead."""
        return StoredLetter(
            self.id, self.body, self.headers, self.attempt, self.reason, self.died_at
        )

    def encode(self) -> str:
        """The stored form; `s` and `w` are indexed by the members."""
        fields: dict[str, Any] = {
            "v": _VERSION,
            "s": self.state.value,
            "a": self.attempt,
            "c": self.change,
            "p": self.priority,
            "t": self.sent_at,
            "h": dict(self.headers),
            "w": self.wake,
            "batch": self.batch,
            "due": self.due,
            "x": self.expires,
            "hold": self.visibility,
            "mark": self.mark,
            "reason": self.reason,
            "died": self.died_at,
            "b": base64.b64encode(self.body).decode(),
        }
        return json.dumps(
            {name: value for name, value in fields.items() if value not in (None, "")}
        )

    @classmethod
    def decode(cls, number: str, text: str) -> "Record":
        """The record of that message out of its stored form.

        Raises:
            ValueError: It is none.
        """
        fields: dict[str, Any] = json.loads(text)
        if not isinstance(fields, dict) or fields.get("v") != _VERSION:
            raise ValueError("it was not written by this version of Immutant")
        return cls(
            id=number,
            state=State(fields["s"]),
            body=base64.b64decode(fields.get("b", "")),
            headers=fields["h"],
            priority=fields["p"],
            sent_at=fields["t"],
            attempt=fields["a"],
            change=fields["c"],
            batch=fields.get("batch", ""),
            due=fields.get("due"),
            expires=fields.get("x"),
            visibility=fields["hold"],
            mark=fields.get("mark", ""),
            reason=fields.get("reason", ""),
            died_at=fields["died"],
        )
