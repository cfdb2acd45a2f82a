"""Dead letters, and how many messages a queue has.

Belongs here: listing, replaying and forgetting the dead; counting. Not here: why a message dies.
All of it first lets expire what should have: nobody sees a message that is alive past its time.
"""

import json
from collections.abc import Sequence

from immutant.embedded import handoff, messages
from immutant.embedded.transaction import Row, Transaction
from immutant.stores import Delivery, Outgoing, QueueDepth, StoredLetter

__all__ = ["bury", "depth", "discard", "find", "replay"]


def bury(transaction: Transaction, queue: str, delivery: Delivery, reason: str) -> bool:
    """Make the message a dead letter; False when the delivery was overtaken."""
    if not messages.is_held(transaction, queue, delivery):
        return False
    messages.die(transaction, int(delivery.id), reason, transaction.wall)
    return True


def find(transaction: Transaction, queue: str, limit: int) -> list[StoredLetter]:
    """The dead, in the order in which they died."""
    handoff.release_due(transaction, queue)
    rows = transaction.run(
        "SELECT id, body, headers, attempts, reason, died_at FROM dead_letters"
        " WHERE queue = ? ORDER BY turn LIMIT ?",
        queue,
        limit,
    )
    return [
        StoredLetter(str(number), body, json.loads(headers), *rest)
        for number, body, headers, *rest in rows
    ]


def replay(transaction: Transaction, queue: str, ids: Sequence[str] | None) -> int:
    """Send the dead again, as new messages."""
    rows = _remove(transaction, queue, ids)
    again = [Outgoing(body, json.loads(headers), priority) for _, priority, headers, body in rows]
    handoff.send(transaction, queue, again)
    return len(rows)


def discard(transaction: Transaction, queue: str, ids: Sequence[str] | None) -> int:
    """Forget the dead."""
    return len(_remove(transaction, queue, ids))


def depth(transaction: Transaction, queue: str) -> QueueDepth:
    """How many messages there are, by state."""
    handoff.release_due(transaction, queue)
    counts: dict[int, int] = dict(
        transaction.run(
            "SELECT state, count(*) FROM messages WHERE queue = ? GROUP BY state", queue
        )
    )
    dead = transaction.run("SELECT count(*) FROM dead_letters WHERE queue = ?", queue)
    return QueueDepth(counts.get(0, 0), counts.get(1, 0), counts.get(2, 0), dead[0][0])


def _remove(transaction: Transaction, queue: str, ids: Sequence[str] | None) -> list[Row]:
    handoff.release_due(transaction, queue)
    rows = transaction.run(
        "SELECT id, priority, headers, body FROM dead_letters WHERE queue = ? ORDER BY turn", queue
    )
    chosen = [row for row in rows if ids is None or str(row[0]) in ids]
    for number, *_ in chosen:
        transaction.run("DELETE FROM dead_letters WHERE id = ?", number)
    return chosen
