"""Messages as rows: the states of one message and the moves between them.

Belongs here: the statements that move a single message. Not here: who gets it next (`handoff`) and
what is known of the dead (`dead_letters`).

A delivery is named by the message's number and its attempt; every move by a consumer compares
both, so that a consumer that was overtaken moves nothing.
"""

# ruff: noqa: S608 - what the statements are put together from are constants of this module.

import json
from dataclasses import dataclass

from immutant.embedded.transaction import Row, Transaction
from immutant.stores import Delivery, Outgoing

__all__ = [
    "Claim",
    "delay",
    "die",
    "hold",
    "insert",
    "is_held",
    "make_ready",
    "pick_up",
    "remove",
    "take",
    "uncount",
]

_DELIVERY = "id, attempt, body, headers, priority, sent_at"
_HELD = "id = ? AND queue = ? AND attempt = ? AND state = 2"


@dataclass(frozen=True, slots=True)
class Claim:
    """One receive: on which queue, under which mark, for how many seconds it wants to hold."""

    queue: str
    mark: str
    visibility: float


def insert(transaction: Transaction, queue: str, message: Outgoing) -> int:
    """Store the message, ready; its number."""
    expires = None if message.ttl is None else transaction.now + message.ttl
    rows = transaction.run(
        "INSERT INTO messages (queue, priority, state, attempt, wake, expires, sent_at, headers,"
        " body) VALUES (?, ?, 0, 0, ?, ?, ?, ?, ?) RETURNING id",
        queue,
        message.priority,
        expires,
        expires,
        transaction.wall,
        json.dumps(dict(message.headers)),
        message.body,
    )
    return int(rows[0][0])


def take(transaction: Transaction, claim: Claim) -> Delivery | None:
    """Lease the message that is next; None when none is ready."""
    row = transaction.one(
        "UPDATE messages SET state = 2, attempt = attempt + 1, wake = ?, mark = ? WHERE id ="
        " (SELECT id FROM messages WHERE queue = ? AND state = 0 ORDER BY priority DESC, id"
        f" LIMIT 1) RETURNING {_DELIVERY}",
        transaction.now + claim.visibility,
        claim.mark,
        claim.queue,
    )
    return _delivery(row) if row else None


def pick_up(transaction: Transaction, mark: str) -> Delivery | None:
    """The delivery that was leased under that mark; None when there is none."""
    row = transaction.one(f"SELECT {_DELIVERY} FROM messages WHERE mark = ?", mark)
    return _delivery(row) if row else None


def hold(transaction: Transaction, queue: str, delivery: Delivery, until: float) -> bool:
    """Let the lease of the delivery run out at that instant; False when it was overtaken."""
    changed = transaction.change(
        f"UPDATE messages SET wake = ? WHERE {_HELD}",
        until,
        *_key(queue, delivery),
    )
    return changed > 0


def is_held(transaction: Transaction, queue: str, delivery: Delivery) -> bool:
    """Whether the delivery was not overtaken."""
    row = transaction.one(f"SELECT 1 FROM messages WHERE {_HELD}", *_key(queue, delivery))
    return row is not None


def remove(transaction: Transaction, queue: str, delivery: Delivery) -> bool:
    """Remove the message; False when the delivery was overtaken."""
    changed = transaction.change(f"DELETE FROM messages WHERE {_HELD}", *_key(queue, delivery))
    return changed > 0


def uncount(transaction: Transaction, number: int) -> None:
    """Take the last attempt back."""
    transaction.run("UPDATE messages SET attempt = attempt - 1 WHERE id = ?", number)


def make_ready(transaction: Transaction, number: int) -> None:
    """End the message's delay or lease."""
    transaction.run(
        "UPDATE messages SET state = 0, mark = NULL, wake = expires WHERE id = ?", number
    )


def delay(transaction: Transaction, number: int, until: float) -> None:
    """Let nobody receive the message before that instant."""
    transaction.run(
        "UPDATE messages SET state = 1, mark = NULL, wake = min(?, ifnull(expires, ?))"
        " WHERE id = ?",
        until,
        until,
        number,
    )


def die(transaction: Transaction, number: int, reason: str, died_at: float) -> None:
    """Make the message a dead letter."""
    transaction.run(
        "INSERT INTO dead_letters (id, queue, priority, attempts, reason, died_at, headers, body)"
        " SELECT id, queue, priority, attempt, ?, ?, headers, body FROM messages WHERE id = ?",
        reason,
        died_at,
        number,
    )
    transaction.run("DELETE FROM messages WHERE id = ?", number)


def _key(queue: str, delivery: Delivery) -> tuple[int, str, int]:
    return int(delivery.id), queue, delivery.attempt


def _delivery(row: Row) -> Delivery:
    number, attempt, body, headers, priority, sent_at = row
    return Delivery(str(number), attempt, body, json.loads(headers), priority, sent_at)
