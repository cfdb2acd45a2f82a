"""The topic as users hold it.

Belongs here: publishing, and following what is published. Not here: listeners
(`immutant.services.follower` live, `immutant.services.consumer` durable).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cached_property

from immutant.definitions import TopicDefinition
from immutant.running import Binding
from immutant.services.blocking import BlockingTopic
from immutant.services.entries import check_tenure
from immutant.services.messages import check_headers
from immutant.stores import TopicStore
from immutant.values import Value, decode, encode

__all__ = ["Topic"]


class Topic:
    """Each message to every subscriber.

    Live subscribers hear what is published while they listen, and miss messages when they fall far
    behind. A durable subscription is a queue: it keeps them, and each goes to one of its listeners.
    """

    def __init__(self, definition: TopicDefinition, binding: Binding) -> None:
        self.definition = definition
        self._binding = binding
        self._what = f"topic {definition.name!r}"

    @property
    def name(self) -> str:
        """The topic's name."""
        return self.definition.name

    @cached_property
    def blocking(self) -> BlockingTopic:
        """The same topic for plain `def` functions, which run in threads."""
        return BlockingTopic(self, self._binding, self._what)

    async def publish(self, body: Value, *, headers: Mapping[str, str] | None = None) -> None:
        """Give the message to all subscribers.

        Args:
            body: JSON or bytes, up to 1 MiB.
            headers: Text by text, carried along.

        Raises:
            ValueRefusedError: It cannot be published; nothing was.
        """
        what = f"a message for {self._what}"
        data, checked = encode(body, what), check_headers(headers, what)
        replica = self._binding.current(self._what)
        check_tenure()
        with replica.tracer.sending("publish", self.name, 1) as sending:
            await replica.backend.topics.publish(self.name, data, sending.carrying(checked))
        replica.tally.add("immutant_messages_published", self.name)

    @asynccontextmanager
    async def subscribe(self) -> AsyncIterator[AsyncIterator[Value]]:
        """Hear, while the context is open, the bodies of what is published from now on."""
        subscription = await self._store().subscribe(self.name)
        try:
            yield (
                decode(message.body, f"a message of {self._what}") async for message in subscription
            )
        finally:
            await subscription.close()

    async def end_subscription(self, subscription: str) -> None:
        """End a durable subscription whose listener is gone for good; what it holds stays."""
        await self._store().unbind(self.name, self.definition.queue(subscription))

    def _store(self) -> TopicStore:
        return self._binding.current(self._what).backend.topics
