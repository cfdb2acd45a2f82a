"""Queues: what happens around the transactions of `handoff`.

Belongs here: the QueueStore of the embedded backend; waiting, timeouts, cancellation. Not here:
the moves of messages (`handoff`), retries and handlers (the services above).
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from immutant.clock import Clock
from immutant.embedded import dead_letters, handoff, messages
from immutant.embedded.alarm import Alarm
from immutant.embedded.bell import Bell
from immutant.embedded.engine import Engine
from immutant.embedded.identity import Owner
from immutant.embedded.messages import Claim
from immutant.embedded.transaction import Transaction
from immutant.errors import StoreError
from immutant.stores import Delivery, Outgoing, QueueDepth, StoredLetter

__all__ = ["EmbeddedQueues"]


class EmbeddedQueues:
    """Queues whose truth is a table.

    A message's time to live counts whenever it waits, before the first delivery or after a failed
    one; while a consumer holds it, it does not expire. A replayed message is a new one, with a
    new id, behind those that wait already: who held it before can settle nothing of it.
    """

    def __init__(
        self, engine: Engine, bell: Bell, alarm: Alarm, clock: Clock, owner: Owner
    ) -> None:
        self._engine = engine
        self._bell = bell
        self._alarm = alarm
        self._clock = clock
        self._owner = owner

    async def send(self, queue: str, messages: Sequence[Outgoing]) -> list[str]:
        return await self._engine.write(partial(handoff.send, queue=queue, outgoing=messages))

    async def receive(
        self, queue: str, *, visibility: float, timeout: float | None = None
    ) -> Delivery | None:
        claim = Claim(queue, self._owner.mark(), visibility)
        with (
            self._bell.listening(f"ticket:{claim.mark}") as rung,
            self._alarm.needed(),
            self._timer(timeout, rung) as time_is_up,
        ):
            try:
                return await self._wait(claim, rung, time_is_up)
            except BaseException:
                # Behind the receive in the writer's queue: it sees whatever that has come to.
                await self._withdraw(claim)
                raise

    async def extend(
        self, queue: str, deliveries: Sequence[Delivery], visibility: float
    ) -> list[Delivery]:
        return await self._engine.write(
            lambda transaction: [
                delivery
                for delivery in deliveries
                if not handoff.extend(transaction, queue, delivery, visibility)
            ]
        )

    async def ack(self, queue: str, delivery: Delivery) -> bool:
        return await self._engine.write(
            lambda transaction: messages.remove(transaction, queue, delivery)
        )

    async def give_back(
        self, queue: str, delivery: Delivery, *, delay: float = 0.0, counted: bool = True
    ) -> bool:
        return await self._engine.write(
            lambda transaction: handoff.give_back(
                transaction, queue, delivery, delay, counted=counted
            )
        )

    async def bury(self, queue: str, delivery: Delivery, reason: str) -> bool:
        return await self._engine.write(
            lambda transaction: dead_letters.bury(transaction, queue, delivery, reason)
        )

    async def dead(self, queue: str, limit: int = 100) -> list[StoredLetter]:
        return await self._engine.write(
            lambda transaction: dead_letters.find(transaction, queue, limit)
        )

    async def replay(self, queue: str, ids: Sequence[str] | None = None) -> int:
        return await self._engine.write(
            lambda transaction: dead_letters.replay(transaction, queue, ids)
        )

    async def discard(self, queue: str, ids: Sequence[str] | None = None) -> int:
        return await self._engine.write(
            lambda transaction: dead_letters.discard(transaction, queue, ids)
        )

    async def depth(self, queue: str) -> QueueDepth:
        return await self._engine.write(lambda transaction: dead_letters.depth(transaction, queue))

    async def _wait(
        self, claim: Claim, rung: asyncio.Event, time_is_up: Callable[[], bool]
    ) -> Delivery | None:
        delivery = await self._take_or_wait(claim)
        while delivery is None and not time_is_up():
            await rung.wait()
            rung.clear()
            delivery, waiting = await self._engine.read(partial(_look, mark=claim.mark))
            if delivery is None and not waiting:
                # It was handed over, but this process slept until the lease had run out.
                delivery = await self._take_or_wait(claim)
        return delivery or await self._engine.write(partial(handoff.leave, mark=claim.mark))

    async def _take_or_wait(self, claim: Claim) -> Delivery | None:
        self._owner.check_open()
        delivery, due = await self._engine.write(partial(handoff.take_or_wait, claim=claim))
        self._alarm.expect(due)
        return delivery

    async def _withdraw(self, claim: Claim) -> None:
        work = partial(handoff.withdraw, queue=claim.queue, mark=claim.mark)
        with contextlib.suppress(StoreError):
            await asyncio.shield(self._engine.write(work))

    @contextlib.contextmanager
    def _timer(self, timeout: float | None, rung: asyncio.Event) -> Iterator[Callable[[], bool]]:
        """Set the event when the time is up; tells whether it is."""
        if timeout is None or timeout <= 0:
            yield lambda: timeout is not None
            return
        timer = asyncio.ensure_future(self._clock.sleep(timeout))
        timer.add_done_callback(lambda _: rung.set())
        try:
            yield timer.done
        finally:
            timer.cancel()


def _look(transaction: Transaction, mark: str) -> tuple[Delivery | None, bool]:
    return messages.pick_up(transaction, mark), handoff.is_waiting(transaction, mark)
