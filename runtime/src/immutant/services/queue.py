"""The queue as users hold it.

Belongs here: sending, receiving by hand, dead letters. Not here: listeners
(`immutant.services.consumer`).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import Self

from immutant.definitions import QueueDefinition, check_count
from immutant.durations import Duration, positive, seconds
from immutant.errors import ConflictError, ValueRefusedError
from immutant.running import Binding, Replica
from immutant.services.blocking import BlockingQueue
from immutant.services.counted import CountedQueues
from immutant.services.entries import check_tenure
from immutant.services.messages import DeadLetter, Message, outgoing
from immutant.stores import Delivery, QueueDepth, QueueStore
from immutant.tracing import OFF, Tracer
from immutant.values import Value
from immutant.wording import worded

__all__ = ["Queue", "Received"]


class Queue:
    """A durable queue, at least once: a message is the queue's until it was handled and acked.

    Every method may raise NotRunningError, StoreError, UncertainWriteError and TenureLostError.
    """

    def __init__(self, definition: QueueDefinition, binding: Binding) -> None:
        self.definition = definition
        self._binding = binding
        self._what = f"queue {definition.name!r}"

    @property
    def name(self) -> str:
        """The queue's name."""
        return self.definition.name

    @cached_property
    def blocking(self) -> BlockingQueue:
        """The same queue for plain `def` functions, which run in threads."""
        return BlockingQueue(self, self._binding, self._what)

    async def send(
        self,
        body: Value,
        *,
        priority: int | str = "normal",
        delay: Duration = 0.0,
        ttl: Duration | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Store a message; returns its id.

        Args:
            body: JSON or bytes, up to 1 MiB.
            priority: 0 to 9, or "low" (1), "normal" (4), "high" (7), "critical" (9).
            delay: How long it cannot be received.
            ttl: After how long, unreceived, it becomes a dead letter; more than zero; None: never.
            headers: Text by text, carried along.

        Raises:
            ValueRefusedError: It cannot be sent; nothing was.
        """
        sent = await self.send_many(
            [body], priority=priority, delay=delay, ttl=ttl, headers=headers
        )
        return sent[0]

    async def send_many(
        self,
        bodies: Sequence[Value],
        *,
        priority: int | str = "normal",
        delay: Duration = 0.0,
        ttl: Duration | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Store messages, all or none; returns their ids. See `send`."""
        messages = [
            outgoing(
                body,
                f"a message for {self._what}",
                priority=priority,
                delay=delay,
                ttl=ttl,
                headers=headers,
            )
            for body in bodies
        ]
        replica = self._replica()
        check_tenure()
        if not messages:
            return []
        with replica.tracer.sending("send", self.name, len(messages)) as sending:
            carried = sending.carrying(messages[0].headers)  # all have the same
            stored = [replace(message, headers=carried) for message in messages]
            ids = await CountedQueues(replica).send(self.name, stored)
            sending.sent(ids)
        return ids

    async def receive(
        self,
        *,
        timeout: Duration | None = None,
        visibility: Duration = "30s",
        attempts: int = 10,
    ) -> "Received | None":
        """Wait for a message to handle by hand; None after `timeout` without one.

        Use it as `async with`: leaving it normally acks; an exception gives the message back, to be
        received again at once, and on its last attempt makes it a dead letter.

        Args:
            timeout: How long to wait; None: without end.
            visibility: The message goes to another consumer after that; `extend` it when that is
                too short.
            attempts: How many deliveries a message has.

        Raises:
            DefinitionError: One of these cannot be.
            ValueRefusedError: The message cannot be decoded; it is now a dead letter.
        """
        replica = self._replica()
        store = CountedQueues(replica)
        limit = None if timeout is None else seconds(timeout, "timeout")
        hold = positive(visibility, "visibility")
        check_count(attempts, "attempts")
        delivery = await store.receive(self.name, visibility=hold, timeout=limit)
        if delivery is None:
            return None
        try:
            message = Message.of(delivery, f"message {delivery.id} of {self._what}")
        except ValueRefusedError as error:
            await store.bury(self.name, delivery, str(error))
            raise
        return Received(message, delivery, self.name, store, attempts, replica.tracer)

    async def depth(self) -> QueueDepth:
        """How many messages there are, by state."""
        return await self._store().depth(self.name)

    async def dead(self, limit: int = 100) -> list[DeadLetter]:
        """The dead letters, oldest first."""
        letters = await self._store().dead(self.name, limit)
        return [DeadLetter.of(letter) for letter in letters]

    async def replay(self, ids: Sequence[str] | None = None) -> int:
        """Send dead letters again, all without `ids`; returns how many."""
        check_tenure()
        return await self._store().replay(self.name, ids)

    async def discard(self, ids: Sequence[str] | None = None) -> int:
        """Forget dead letters, all without `ids`; returns how many."""
        check_tenure()
        return await self._store().discard(self.name, ids)

    def _store(self) -> QueueStore:
        return CountedQueues(self._replica())

    def _replica(self) -> Replica:
        return self._binding.current(self._what)


class Received:
    """A message in hand. Each way of settling it returns False when another consumer has it now."""

    def __init__(
        self,
        message: Message,
        delivery: Delivery,
        queue: str,
        store: QueueStore,
        attempts: int,
        tracer: Tracer = OFF,
    ) -> None:
        """Use `Queue.receive`."""
        self.message = message
        self._attempts = attempts
        self._delivery = delivery
        self._queue = queue
        self._store = store
        self._tracer = tracer
        self._handling: AbstractContextManager[object] = nullcontext()

    @property
    def body(self) -> Value:
        """What was sent."""
        return self.message.body

    async def ack(self) -> bool:
        """It is handled: remove it."""
        return await self._store.ack(self._queue, self._delivery)

    async def retry(self, delay: Duration = 0.0) -> bool:
        """Give it back, to be received again after `delay`."""
        wait = seconds(delay, "delay")
        return await self._store.give_back(self._queue, self._delivery, delay=wait)

    async def bury(self, reason: str) -> bool:
        """Make it a dead letter."""
        return await self._store.bury(self._queue, self._delivery, reason)

    async def extend(self, visibility: Duration = "30s") -> bool:
        """Keep it in hand for that long from now."""
        hold = positive(visibility, "visibility")
        return not await self._store.extend(self._queue, [self._delivery], hold)

    async def __aenter__(self) -> Self:
        told = self.message
        self._handling = self._tracer.processing(self._queue, told.id, told.attempt, told.headers)
        self._handling.__enter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._handling.__exit__(kind, error, traceback)
        if error is not None:
            await self._failed(error)
        elif not await self.ack():
            raise ConflictError(
                f"message {self.message.id} of queue {self._queue!r} was handled here, but too "
                "late: another consumer has it; receive with a longer visibility, or extend it"
            )

    async def _failed(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            # Cancelled, not failed: the attempt does not count towards its death.
            await self._store.give_back(self._queue, self._delivery, counted=False)
        elif self.message.attempt >= self._attempts:
            await self.bury(worded(error))
        else:
            await self.retry()
