"""Messages as users write and read them.

Belongs here: the public record, and checking what is to be sent. Pure.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from immutant.durations import Duration, positive, seconds
from immutant.errors import ValueRefusedError
from immutant.stores import NORMAL_PRIORITY, Delivery, Outgoing, StoredLetter
from immutant.values import Value, decode, encode

__all__ = ["DeadLetter", "Message", "check_headers", "outgoing", "priority_of"]

_PRIORITIES: Final = {"low": 1, "normal": NORMAL_PRIORITY, "high": 7, "critical": 9}
_HIGHEST = 9


@dataclass(frozen=True, slots=True)
class Message:
    """A received message.

    Attributes:
        id: The same at every attempt.
        body: What was sent.
        headers: Text by text, as sent; where the sender is traced, its context is beside them
            (`traceparent`).
        attempt: Counts the deliveries, from 1; above 1 an earlier one may have had effects.
        priority: 0 to 9.
        sent_at: Seconds since the epoch.
    """

    id: str
    body: Value
    headers: Mapping[str, str]
    attempt: int
    priority: int
    sent_at: float

    @classmethod
    def of(cls, delivery: Delivery, what: str) -> "Message":
        """Decode what was delivered.

        Raises:
            ValueRefusedError: The body cannot be decoded.
        """
        return cls(
            id=delivery.id,
            body=decode(delivery.body, what),
            headers=delivery.headers,
            attempt=delivery.attempt,
            priority=delivery.priority,
            sent_at=delivery.sent_at,
        )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that is not delivered again unless it is replayed.

    Attributes:
        id: The message's.
        body: What was sent; what cannot be decoded is given as bytes.
        headers: Text by text, as sent.
        attempts: How often it was delivered.
        reason: Why it died: the error of its last attempt, or "expired".
        died_at: Seconds since the epoch.
    """

    id: str
    body: Value
    headers: Mapping[str, str]
    attempts: int
    reason: str
    died_at: float

    @classmethod
    def of(cls, letter: StoredLetter) -> "DeadLetter":
        """Decode what is stored."""
        body: Value = letter.body
        with contextlib.suppress(ValueRefusedError):
            body = decode(letter.body, "a dead letter")
        return cls(letter.id, body, letter.headers, letter.attempts, letter.reason, letter.died_at)


def outgoing(
    body: Value,
    what: str,
    *,
    priority: int | str,
    delay: Duration,
    ttl: Duration | None,
    headers: Mapping[str, str] | None,
) -> Outgoing:
    """Check a message.

    Raises:
        ValueRefusedError: It cannot be sent; the text says what to write instead.
        DefinitionError: `delay` or `ttl` is no duration.
    """
    return Outgoing(
        body=encode(body, what),
        headers=check_headers(headers, what),
        priority=priority_of(priority, what),
        delay=seconds(delay, "delay"),
        ttl=None if ttl is None else positive(ttl, "ttl"),
    )


def priority_of(priority: int | str, what: str) -> int:
    """The priority as a number.

    Raises:
        ValueRefusedError: It is neither 0 to 9 nor one of the names.
    """
    number = _PRIORITIES.get(priority) if isinstance(priority, str) else priority
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _HIGHEST:
        raise ValueRefusedError(
            f"{what} has priority {priority!r}; write 0 to 9 or one of {', '.join(_PRIORITIES)}"
        )
    return number


def check_headers(headers: Mapping[str, str] | None, what: str) -> dict[str, str]:
    """The headers, if they are text by text.

    Raises:
        ValueRefusedError: They are not.
    """
    checked = dict(headers or {})
    for name, value in checked.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ValueRefusedError(
                f"{what} has the header {name!r}: {value!r}; headers are text by text: write str()"
            )
    return checked
