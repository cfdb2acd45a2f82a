"""A queue's listener on one replica.

Belongs here: the loops that receive, keeping in hand what is being handled, and draining. Not here:
what becomes of one delivery (`immutant.services.settling`).
"""

import asyncio
import logging

from immutant.calls import Handler
from immutant.definitions import ListenerDefinition
from immutant.running import Replica
from immutant.services.counted import CountedQueues
from immutant.services.pausing import TROUBLE, cancel_all, finish_within
from immutant.services.settling import Settling
from immutant.stores import Delivery

__all__ = ["Consumer"]

_log = logging.getLogger("immutant.listener")


class Consumer:
    """Handles one queue's messages, `concurrency` at a time."""

    def __init__(self, definition: ListenerDefinition, queue: str, replica: Replica) -> None:
        self._definition = definition
        self._queue = queue
        self._replica = replica
        self._store = CountedQueues(replica)
        self._handler = Handler(definition.function, offered=2)
        self._settling = Settling(definition, queue, replica, self._handler)
        self._in_hand: dict[tuple[str, int], Delivery] = {}
        self._waiting: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._extending: asyncio.Task[None] | None = None
        self._draining = False

    def start(self) -> None:
        """Begin to receive."""
        loops = range(self._definition.concurrency)
        self._loops = [asyncio.create_task(self._receive_on()) for _ in loops]
        self._replica.tally.add("immutant_listeners", self._queue, amount=len(loops))
        self._extending = asyncio.create_task(self._extend_on())

    async def drain(self, grace: float) -> None:
        """Receive nothing more; give back what is not handled within `grace` seconds."""
        self._draining = True
        for task in self._waiting:
            task.cancel()
        await finish_within(self._loops, grace, self._replica.clock)
        await self.stop()

    async def stop(self) -> None:
        """Give back at once what is not handled yet."""
        self._draining = True
        await cancel_all(self._loops)
        if self._extending is not None:
            await cancel_all([self._extending])

    async def _receive_on(self) -> None:
        """Receive and handle, one message after the other, whatever happens."""
        task = asyncio.current_task()
        assert task is not None
        while not self._draining:
            self._waiting.add(task)
            try:
                delivery = await self._next()
            finally:
                self._waiting.discard(task)
            await self._handle(delivery)

    async def _next(self) -> Delivery:
        """The next message, however long the store is in trouble."""
        failures = 0
        while True:
            try:
                delivery = await self._store.receive(
                    self._queue, visibility=self._definition.visibility
                )
            except Exception as error:
                failures += 1
                if failures == 1:
                    _log.warning("queue %r: cannot receive, trying again: %s", self._queue, error)
                await self._replica.clock.sleep(TROUBLE.delay(failures, self._replica.random))
            else:
                if delivery is not None:
                    return delivery

    async def _handle(self, delivery: Delivery) -> None:
        self._in_hand[_name(delivery)] = delivery
        try:
            await self._settling.handle(delivery)
        except Exception:
            _log.exception(
                "queue %r: message %s could not be settled; it comes again after its visibility",
                self._queue,
                delivery.id,
            )
        finally:
            self._in_hand.pop(_name(delivery), None)

    async def _extend_on(self) -> None:
        """Keep everything in hand, all together, well before its visibility ends."""
        period = self._definition.visibility / 3
        while True:
            await self._replica.clock.sleep(period)
            try:
                await self._extend()
            except Exception as error:
                _log.warning("queue %r: cannot keep messages in hand: %s", self._queue, error)

    async def _extend(self) -> None:
        if not self._in_hand:
            return
        held = list(self._in_hand.values())
        for lost in await self._store.extend(self._queue, held, self._definition.visibility):
            if self._in_hand.pop(_name(lost), None):
                _log.warning(
                    "queue %r: message %s went to another consumer while %s still handles it; "
                    "it may be handled twice",
                    self._queue,
                    lost.id,
                    self._handler.name,
                )


def _name(delivery: Delivery) -> tuple[str, int]:
    return delivery.id, delivery.attempt
