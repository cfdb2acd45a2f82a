"""A replica's queues, which count what is done to them there.

Belongs here: what of each operation is counted. Not here: the operations, which are the backend's.
"""

from collections.abc import Sequence
from typing import Final

from immutant.running import Replica
from immutant.stores import Delivery, Outgoing, QueueDepth, StoredLetter

__all__ = ["CountedQueues", "begin"]

_COUNTED: Final = tuple(
    f"immutant_messages_{what}" for what in ("sent", "received", "acknowledged", "retried", "dead")
)


def begin(replica: Replica, queue: str) -> None:
    """Count a queue from zero.

    A count that is first seen as one would not be seen to grow: the first dead letter is news.
    """
    for name in _COUNTED:
        replica.tally.add(name, queue, amount=0)


class CountedQueues:
    """See `immutant.stores.QueueStore`. What fails, or comes too late, is not counted."""

    def __init__(self, replica: Replica) -> None:
        self._store = replica.backend.queues
        self._clock = replica.clock
        self._tally = replica.tally

    async def send(self, queue: str, messages: Sequence[Outgoing]) -> list[str]:
        sent = await self._store.send(queue, messages)
        self._tally.add("immutant_messages_sent", queue, amount=len(sent))
        return sent

    async def receive(
        self, queue: str, *, visibility: float, timeout: float | None = None
    ) -> Delivery | None:
        delivery = await self._store.receive(queue, visibility=visibility, timeout=timeout)
        if delivery is None:
            return None
        self._tally.add("immutant_messages_received", queue)
        if delivery.attempt == 1:
            age = self._clock.wall() - delivery.sent_at
            self._tally.time("immutant_message_age_seconds", queue, seconds=age)
        return delivery

    async def extend(
        self, queue: str, deliveries: Sequence[Delivery], visibility: float
    ) -> list[Delivery]:
        return await self._store.extend(queue, deliveries, visibility)

    async def ack(self, queue: str, delivery: Delivery) -> bool:
        return self._counted(
            "immutant_messages_acknowledged", queue, await self._store.ack(queue, delivery)
        )

    async def give_back(
        self, queue: str, delivery: Delivery, *, delay: float = 0.0, counted: bool = True
    ) -> bool:
        given = await self._store.give_back(queue, delivery, delay=delay, counted=counted)
        return self._counted("immutant_messages_retried", queue, given) if counted else given

    async def bury(self, queue: str, delivery: Delivery, reason: str) -> bool:
        return self._counted(
            "immutant_messages_dead", queue, await self._store.bury(queue, delivery, reason)
        )

    async def dead(self, queue: str, limit: int = 100) -> list[StoredLetter]:
        return await self._store.dead(queue, limit)

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        return await self._store.replay(queue, ids)

    async def discard(self, queue: str, ids: Sequence[str] | None = None) -> int:
        return await self._store.discard(queue, ids)

    async def depth(self, queue: str) -> QueueDepth:
        return await self._store.depth(queue)

    def _counted(self, name: str, queue: str, is_done: bool) -> bool:
        if is_done:
            self._tally.add(name, queue)
        return is_done
