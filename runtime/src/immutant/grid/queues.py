"""The queues of an application in the grid.

Belongs here: the QueueStore of the grid: which queues this replica uses. Not here: what is done to
one (`queue`).
"""

import asyncio
from collections.abc import Sequence

from hazelcast.asyncio import HazelcastClient

from immutant.clock import Clock
from immutant.grid.calls import Calls
from immutant.grid.queue import GridQueue
from immutant.stores import Delivery, Outgoing, QueueDepth, StoredLetter

__all__ = ["GridQueues"]


class GridQueues:
    """Queues whose truth is a distributed map.

    A message's time to live counts whenever it waits, before the first delivery or after a failed
    one; while a consumer holds it, it does not expire. A replayed message is a new one, with a
    new id, behind those that wait already. Messages sent together appear one after the other, all
    of them or none. A replica sweeps the queues that it has used; where no replica has, nothing
    happens by itself.
    """

    def __init__(self, client: HazelcastClient, calls: Calls, clock: Clock) -> None:
        self._client = client
        self._calls = calls
        self._clock = clock
        self._queues: dict[str, asyncio.Task[GridQueue]] = {}

    async def send(self, queue: str, messages: Sequence[Outgoing]) -> list[str]:
        return await (await self._queue(queue)).send(messages)

    async def receive(
        self, queue: str, *, visibility: float, timeout: float | None = None
    ) -> Delivery | None:
        return await (await self._queue(queue)).receive(visibility=visibility, timeout=timeout)

    async def extend(
        self, queue: str, deliveries: Sequence[Delivery], visibility: float
    ) -> list[Delivery]:
        return await (await self._queue(queue)).extend(deliveries, visibility)

    async def ack(self, queue: str, delivery: Delivery) -> bool:
        return await (await self._queue(queue)).ack(delivery)

    async def give_back(
        self, queue: str, delivery: Delivery, *, delay: float = 0.0, counted: bool = True
    ) -> bool:
        return await (await self._queue(queue)).give_back(delivery, delay=delay, counted=counted)

    async def bury(self, queue: str, delivery: Delivery, reason: str) -> bool:
        return await (await self._queue(queue)).bury(delivery, reason)

    async def dead(self, queue: str, limit: int = 100) -> list[StoredLetter]:
        return await (await self._queue(queue)).dead(limit)

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        return await (await self._queue(queue)).replay(ids)

    async def discard(self, queue: str, ids: Sequence[str] | None = None) -> int:
        return await (await self._queue(queue)).discard(ids)

    async def depth(self, queue: str) -> QueueDepth:
        return await (await self._queue(queue)).depth()

    async def close(self) -> None:
        """End what waits on any queue, and give back what this replica holds."""
        openings = list(self._queues.values())
        if openings:
            await asyncio.wait(openings)
        opened = [one.result() for one in openings if not one.cancelled() and not one.exception()]
        await asyncio.gather(*(queue.close() for queue in opened))

    async def _queue(self, name: str) -> GridQueue:
        """The queue, opened at its first use; together by all who use it first."""
        self._calls.check_open()
        opening = self._queues.get(name)
        if opening is None or (opening.done() and (opening.cancelled() or opening.exception())):
            opening = self._queues[name] = asyncio.ensure_future(
                GridQueue.open(name, self._client, self._calls, self._clock)
            )
        return await asyncio.shield(opening)
