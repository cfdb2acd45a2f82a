"""Topics: a ring of the last messages of each, and queues bound to them.

Belongs here: the TopicStore of the embedded backend. Not here: what a durable subscription does
with its queue.
"""

import json
from collections.abc import AsyncIterator, Mapping

from immutant.embedded import handoff
from immutant.embedded.bell import Bell
from immutant.embedded.engine import Engine
from immutant.embedded.transaction import Transaction
from immutant.stores import Outgoing, TopicMessage

__all__ = ["RING_LENGTH", "EmbeddedSubscription", "EmbeddedTopics"]

RING_LENGTH = 10_000
"""Messages of a topic that are kept for subscribers that lag."""

_BATCH = 100


class EmbeddedTopics:
    """Each subscriber keeps its own place in the ring."""

    def __init__(self, engine: Engine, bell: Bell) -> None:
        self._engine = engine
        self._bell = bell

    async def publish(self, topic: str, body: bytes, headers: Mapping[str, str]) -> None:
        await self._engine.write(lambda transaction: _publish(transaction, topic, body, headers))

    async def subscribe(self, topic: str) -> "EmbeddedSubscription":
        last = await self._engine.read(lambda transaction: _last(transaction, topic))
        return EmbeddedSubscription(self._engine, self._bell, topic, last)

    async def bind(self, topic: str, queue: str) -> None:
        await self._engine.write(
            lambda transaction: transaction.run(
                "INSERT OR IGNORE INTO bindings VALUES (?, ?)", topic, queue
            )
        )

    async def unbind(self, topic: str, queue: str) -> None:
        await self._engine.write(
            lambda transaction: transaction.run(
                "DELETE FROM bindings WHERE topic = ? AND queue = ?", topic, queue
            )
        )


class EmbeddedSubscription:
    """A place in the topic's ring; a gap in the sequence shows what was missed."""

    def __init__(self, engine: Engine, bell: Bell, topic: str, last: int) -> None:
        self._engine = engine
        self._bell = bell
        self._topic = topic
        self._last = last
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[TopicMessage]:
        with self._bell.listening(f"topic:{self._topic}") as rung:
            while not self._closed:
                rung.clear()
                messages = await self._engine.read(self._next)
                for message in messages:
                    if self._closed:
                        return
                    self._last = message.sequence
                    yield message
                if not messages:
                    await rung.wait()

    async def close(self) -> None:
        self._closed = True
        self._bell.ring([f"topic:{self._topic}"])

    def _next(self, transaction: Transaction) -> list[TopicMessage]:
        rows = transaction.run(
            "SELECT sequence, body, headers FROM publications"
            " WHERE topic = ? AND sequence > ? ORDER BY sequence LIMIT ?",
            self._topic,
            self._last,
            _BATCH,
        )
        return [TopicMessage(number, body, json.loads(headers)) for number, body, headers in rows]


def _publish(transaction: Transaction, topic: str, body: bytes, headers: Mapping[str, str]) -> None:
    transaction.run(
        "INSERT INTO topics VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET last = last + 1", topic
    )
    last = _last(transaction, topic)
    transaction.run(
        "INSERT INTO publications VALUES (?, ?, ?, ?)", topic, last, json.dumps(dict(headers)), body
    )
    transaction.run(
        "DELETE FROM publications WHERE topic = ? AND sequence <= ?", topic, last - RING_LENGTH
    )
    for (queue,) in transaction.run("SELECT queue FROM bindings WHERE topic = ?", topic):
        handoff.send(transaction, queue, [Outgoing(body, headers)])
    transaction.ring(f"topic:{topic}")


def _last(transaction: Transaction, topic: str) -> int:
    row = transaction.one("SELECT last FROM topics WHERE name = ?", topic)
    return int(row[0]) if row else 0
