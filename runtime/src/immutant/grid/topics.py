"""Topics: a ring of the last messages of each, and queues bound to them.

Belongs here: the TopicStore of the grid. Not here: what a durable subscription does with its queue.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from random import Random
from typing import Final

from hazelcast.asyncio import HazelcastClient, Map, Ringbuffer
from hazelcast.core import HazelcastJsonValue
from hazelcast.errors import HazelcastError
from hazelcast.proxy.ringbuffer import ReadResult

from immutant.backoff import Backoff
from immutant.errors import StoreError, UncertainWriteError
from immutant.grid.calls import Calls
from immutant.grid.client import packed, unpacked
from immutant.grid.queues import GridQueues
from immutant.stores import Outgoing, TopicMessage

__all__ = ["GridSubscription", "GridTopics"]

_BATCH: Final = 100
_PAUSES: Final = Backoff(first=0.05, most=1.0)
_BINDINGS: Final = "bindings"


class GridTopics:
    """Each subscriber keeps its own place in the ring, which holds the last 1,000 of a minute.

    A message goes to the bound queues first and to the ring last; when the grid fails in between,
    the publisher hears that it is uncertain.
    """

    def __init__(self, client: HazelcastClient, calls: Calls, queues: GridQueues) -> None:
        self._client = client
        self._calls = calls
        self._queues = queues
        self._random = Random()  # noqa: S311 - jitter

    async def publish(self, topic: str, body: bytes, headers: Mapping[str, str]) -> None:
        ring = await self._ring(topic)
        queues = await self._bound(topic)
        if queues:
            await self._send(topic, queues, Outgoing(body, headers))
        item = _encode(body, headers)
        try:
            await self._calls.once(_name(topic), lambda: ring.add(item))
        except StoreError as error:
            if queues:
                raise _in_part(topic) from error
            raise

    async def subscribe(self, topic: str) -> "GridSubscription":
        ring = await self._ring(topic)
        last = await self._calls.read(_name(topic), ring.tail_sequence)
        return GridSubscription(topic, ring, self._calls, last + 1)

    async def bind(self, topic: str, queue: str) -> None:
        await self._rebind(topic, lambda queues: queues | {queue})

    async def unbind(self, topic: str, queue: str) -> None:
        await self._rebind(topic, lambda queues: queues - {queue})

    async def _send(self, topic: str, queues: frozenset[str], message: Outgoing) -> None:
        outcomes = await asyncio.gather(
            *(self._queues.send(queue, [message]) for queue in queues), return_exceptions=True
        )
        failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if failures and len(failures) < len(outcomes):
            raise _in_part(topic) from failures[0]
        if failures:
            raise failures[0]

    async def _bound(self, topic: str) -> frozenset[str]:
        bindings = await self._bindings()
        value = await self._calls.read(_name(topic), lambda: bindings.get(topic))
        return _queues(topic, value)

    async def _rebind(self, topic: str, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        bindings = await self._bindings()
        attempts = 0

        async def rebind() -> bool:
            nonlocal attempts
            attempts += 1
            value = await bindings.get(topic)
            before = _queues(topic, value)
            after = change(before)
            if after == before and attempts == 1:
                return True
            # Later it is written even if it is there: an attempt without answer may have reached
            # one owner only.
            wanted = packed(json.dumps(sorted(after)).encode())
            if value is None:
                return await bindings.put_if_absent(topic, wanted, ttl=0) is None
            # The client declares the key as a value.
            return await bindings.replace_if_same(topic, value, wanted)  # type: ignore[arg-type]

        while True:
            if await self._calls.repeat(_name(topic), rebind):
                return
            # Somebody else has changed the list meanwhile.
            await asyncio.sleep(_PAUSES.delay(attempts, self._random))

    async def _bindings(self) -> "Map[str, bytearray]":
        return await self._calls.read(
            f"the map {_BINDINGS!r}", partial(self._client.get_map, _BINDINGS)
        )

    async def _ring(self, topic: str) -> "Ringbuffer[HazelcastJsonValue]":
        return await self._calls.read(
            _name(topic), partial(self._client.get_ringbuffer, f"topic.{topic}")
        )


class GridSubscription:
    """A place in the topic's ring; a gap in the sequence shows what was missed."""

    def __init__(
        self, topic: str, ring: "Ringbuffer[HazelcastJsonValue]", calls: Calls, place: int
    ) -> None:
        self._topic = topic
        self._ring = ring
        self._calls = calls
        self._next = place
        self._random = Random()  # noqa: S311 - jitter
        self._closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[TopicMessage]:
        while not self._closed.is_set():
            for message in await self._read():
                if self._closed.is_set():
                    return
                self._next = message.sequence + 1
                yield message

    async def close(self) -> None:
        self._closed.set()

    async def _read(self) -> list[TopicMessage]:
        """The next messages, waiting for one; none once the subscription is closed."""
        failures = 0
        while not self._closed.is_set():
            self._calls.check_open()
            reading = asyncio.ensure_future(self._ring.read_many(self._next, 1, _BATCH))
            closing = asyncio.ensure_future(self._closed.wait())
            try:
                await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    return _decode(self._topic, reading.result())
            except (HazelcastError, OSError):
                failures += 1
                await asyncio.sleep(_PAUSES.delay(failures, self._random))
            finally:
                reading.cancel()
                closing.cancel()
        return []


def _encode(body: bytes, headers: Mapping[str, str]) -> HazelcastJsonValue:
    fields = {"v": 1, "h": dict(headers), "b": base64.b64encode(body).decode()}
    return HazelcastJsonValue(json.dumps(fields))


def _decode(topic: str, result: ReadResult) -> list[TopicMessage]:
    messages = []
    for place, item in enumerate(result):
        try:
            fields = item.loads()
            body, headers = base64.b64decode(fields["b"]), dict(fields["h"])
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StoreError(
                f"{_name(topic)} holds a message that Immutant did not write ({error})"
            ) from error
        messages.append(TopicMessage(result.get_sequence(place), body, headers))
    return messages


def _queues(topic: str, value: object) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset(json.loads(unpacked(value, f"the list of queues bound to {_name(topic)}")))


def _name(topic: str) -> str:
    return f"topic {topic!r}"


def _in_part(topic: str) -> UncertainWriteError:
    return UncertainWriteError(
        f"a message was published to {_name(topic)} in part: some of its queues have it, "
        "its live subscribers or other queues may not"
    )
