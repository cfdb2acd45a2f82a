"""What becomes of one delivery: handled, tried again, given back or buried.

Belongs here: calling the handler and telling the queue how it went. Not here: receiving and keeping
in hand (`immutant.services.consumer`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from immutant.calls import Handler
from immutant.definitions import ListenerDefinition
from immutant.errors import StoreError, TenureEndedExit, ValueRefusedError
from immutant.running import Replica
from immutant.services.counted import CountedQueues
from immutant.services.messages import Message
from immutant.services.pausing import TROUBLE, see_through
from immutant.stores import Delivery
from immutant.wording import worded

__all__ = ["Settling", "outcome_of"]

_TRIALS = 5

_log = logging.getLogger("immutant.listener")


async def outcome_of(call: Awaitable[object]) -> BaseException | None:
    """Await the user's code: None when it returned, else what it raised.

    Raises:
        CancelledError: This task was cancelled; one that the user's code raised is an outcome.
    """
    try:
        await call
    except (Exception, TenureEndedExit) as error:
        return error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return error
    return None


class Settling:
    """Handles the deliveries of one listener."""

    def __init__(
        self, definition: ListenerDefinition, queue: str, replica: Replica, handler: Handler
    ) -> None:
        self._definition = definition
        self._queue = queue
        self._clock = replica.clock
        self._tally = replica.tally
        self._random = replica.random
        self._store = CountedQueues(replica)
        self._handler = handler
        self._tracer = replica.tracer

    async def handle(self, delivery: Delivery) -> None:
        """Run the handler and settle the delivery; when cancelled, give it back and say so."""
        if delivery.attempt > self._definition.attempts:
            await self._bury(delivery, _cut_off(delivery))
            return
        try:
            message = Message.of(delivery, f"message {delivery.id}")
            error = await self._run(message)
        except ValueRefusedError as poison:
            await self._bury(delivery, str(poison))
        except asyncio.CancelledError:
            # Not the handler's fault, so the attempt does not count towards its death.
            await see_through(self._give_back(delivery, delay=0.0, counted=False))
            raise
        else:
            await see_through(self._settle(delivery, error))

    async def _run(self, message: Message) -> BaseException | None:
        """Call the handler, and take its time, however it ends."""
        began = self._clock.now()
        self._tally.add("immutant_messages_in_hand", self._queue)
        try:
            return await outcome_of(self._call(message))
        finally:
            self._tally.add("immutant_messages_in_hand", self._queue, amount=-1)
            seconds = self._clock.now() - began
            self._tally.time("immutant_handler_seconds", self._queue, seconds=seconds)

    async def _call(self, message: Message) -> None:
        source, subscription = self._definition.source.name, self._definition.subscription
        with self._tracer.processing(
            source, message.id, message.attempt, message.headers, subscription
        ):
            await self._handler(message.body, message)

    async def _settle(self, delivery: Delivery, error: BaseException | None) -> None:
        if error is None:
            await self._told(delivery, lambda: self._store.ack(self._queue, delivery))
        elif delivery.attempt >= self._definition.attempts:
            await self._bury(delivery, worded(error), error)
        else:
            delay = self._definition.backoff.delay(delivery.attempt, self._random)
            _log.warning(
                "queue %r: %s failed on message %s, attempt %d of %d, again in %.1f s",
                self._queue,
                self._handler.name,
                delivery.id,
                delivery.attempt,
                self._definition.attempts,
                delay,
                exc_info=error,
            )
            await self._give_back(delivery, delay=delay, counted=True)

    async def _bury(
        self, delivery: Delivery, reason: str, error: BaseException | None = None
    ) -> None:
        _log.error(
            "queue %r: message %s is a dead letter: %s",
            self._queue,
            delivery.id,
            reason,
            exc_info=error,
        )
        await self._told(delivery, lambda: self._store.bury(self._queue, delivery, reason))

    async def _give_back(self, delivery: Delivery, *, delay: float, counted: bool) -> None:
        def give_back() -> Awaitable[bool]:
            return self._store.give_back(self._queue, delivery, delay=delay, counted=counted)

        await self._told(delivery, give_back)

    async def _told(self, delivery: Delivery, tell: Callable[[], Awaitable[bool]]) -> None:
        """Tell the store, again if it does not answer; in the end the visibility settles it."""
        for trial in range(1, _TRIALS + 1):
            try:
                settled = await tell()
            except StoreError as error:
                _log.warning("queue %r: message %s: %s", self._queue, delivery.id, error)
                await self._clock.sleep(TROUBLE.delay(trial, self._random))
                continue
            if not settled and trial == 1:
                _log.warning(
                    "queue %r: message %s had gone to another consumer when %s was through with it",
                    self._queue,
                    delivery.id,
                    self._handler.name,
                )
            return


def _cut_off(delivery: Delivery) -> str:
    """Why a message is not even tried: its attempts may have taken their replicas down."""
    return f"delivered {delivery.attempt - 1} times and never settled: its handler was cut off"
