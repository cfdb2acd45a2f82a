"""A topic's live listener on one replica.

Belongs here: following the topic, seeing gaps, handling without a second attempt.
"""

import asyncio
import logging

from immutant.calls import Handler
from immutant.definitions import ListenerDefinition
from immutant.errors import ValueRefusedError
from immutant.running import Replica
from immutant.services.messages import Message
from immutant.services.pausing import TROUBLE, cancel_all, finish_within
from immutant.services.settling import outcome_of
from immutant.stores import NORMAL_PRIORITY, TopicMessage
from immutant.values import decode

__all__ = ["Follower"]

_log = logging.getLogger("immutant.listener")


class Follower:
    """Handles what is published on one topic while this replica runs."""

    def __init__(self, definition: ListenerDefinition, replica: Replica) -> None:
        self._topic = definition.source.name
        self._replica = replica
        self._handler = Handler(definition.function, offered=2)
        self._slots = asyncio.Semaphore(definition.concurrency)
        self._following: asyncio.Task[None] | None = None
        self._handling: set[asyncio.Task[None]] = set()
        self._tried = asyncio.Event()
        self._failures = 0

    async def start(self) -> None:
        """Begin to follow; once this returns nothing that is published is missed."""
        self._following = asyncio.create_task(self._follow_on())
        await self._tried.wait()

    async def drain(self, grace: float) -> None:
        """Follow no more; cancel what is not handled within `grace` seconds."""
        await self._unfollow()
        await finish_within(self._handling, grace, self._replica.clock)

    async def stop(self) -> None:
        """Follow no more, and cancel what is being handled."""
        await self._unfollow()
        await cancel_all(self._handling)

    async def _unfollow(self) -> None:
        if self._following is not None:
            await cancel_all([self._following])

    async def _follow_on(self) -> None:
        """Follow, subscribing anew whenever the subscription ends."""
        while True:
            try:
                await self._follow()
            except Exception as error:
                if self._failures == 0:
                    _log.warning("topic %r: cannot follow, trying again: %s", self._topic, error)
            self._failures += 1
            self._tried.set()  # a store in trouble must not keep the replica from starting
            delay = TROUBLE.delay(self._failures, self._replica.random)
            await self._replica.clock.sleep(delay)

    async def _follow(self) -> None:
        subscription = await self._replica.backend.topics.subscribe(self._topic)
        self._failures = 0
        self._tried.set()
        expected: int | None = None
        try:
            async for message in subscription:
                if expected is not None and message.sequence > expected:
                    missed = message.sequence - expected
                    _log.warning("topic %r: fell behind, missed %d messages", self._topic, missed)
                expected = message.sequence + 1
                await self._slots.acquire()
                task = asyncio.create_task(self._handle(message))
                self._handling.add(task)
                task.add_done_callback(self._handled)
        finally:
            await subscription.close()

    def _handled(self, task: "asyncio.Task[None]") -> None:
        self._handling.discard(task)
        self._slots.release()

    async def _handle(self, received: TopicMessage) -> None:
        what = f"message {received.sequence} of topic {self._topic!r}"
        try:
            body = decode(received.body, what)
        except ValueRefusedError as error:
            _log.error("%s", error)
            return
        message = Message(
            id=str(received.sequence),
            body=body,
            headers=received.headers,
            attempt=1,
            priority=NORMAL_PRIORITY,
            sent_at=self._replica.clock.wall(),
        )
        failure = await outcome_of(self._call(message))
        if failure is not None:
            _log.error("%s: %s failed", what, self._handler.name, exc_info=failure)

    async def _call(self, message: Message) -> None:
        tracer = self._replica.tracer
        with tracer.processing(self._topic, message.id, message.attempt, message.headers):
            await self._handler(message.body, message)
