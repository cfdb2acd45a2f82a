"""What every TopicStore promises."""

import asyncio
from typing import Any

from immutant.stores import Backend, TopicMessage, TopicSubscription


async def test_every_subscriber_gets_every_message(backend: Backend, other: Backend) -> None:
    subscriptions = [await store.topics.subscribe("t") for store in (backend, other, other)]
    readers = [asyncio.create_task(_read(subscription, 3)) for subscription in subscriptions]
    for number in range(3):
        await backend.topics.publish("t", b"%d" % number, {"a": "ü"})
    async with asyncio.timeout(0.8):  # Less than any second look at the store would take.
        for messages in await asyncio.gather(*readers):
            assert [message.body for message in messages] == [b"0", b"1", b"2"]
            assert dict(messages[0].headers) == {"a": "ü"}


async def test_a_subscription_begins_where_it_was_made(backend: Backend, other: Backend) -> None:
    await backend.topics.publish("t", b"before", {})
    subscription = await other.topics.subscribe("t")
    await backend.topics.publish("t", b"after", {})
    (message,) = await _read(subscription, 1)
    assert message.body == b"after"


async def test_the_sequence_grows_by_one(backend: Backend, other: Backend) -> None:
    subscription = await backend.topics.subscribe("t")
    await asyncio.gather(*(store.topics.publish("t", b"", {}) for store in [backend, other] * 20))
    first, *rest = [message.sequence for message in await _read(subscription, 40)]
    assert rest == list(range(first + 1, first + 40))


async def test_topics_do_not_see_each_others_messages(backend: Backend) -> None:
    subscription = await backend.topics.subscribe("one")
    await backend.topics.publish("two", b"2", {})
    await backend.topics.publish("one", b"1", {})
    (message,) = await _read(subscription, 1)
    assert message.body == b"1"


async def test_closing_a_subscription_ends_its_iteration(backend: Backend) -> None:
    subscription = await backend.topics.subscribe("t")
    reader = asyncio.create_task(_read(subscription, 1))
    await backend.topics.publish("u", b"", {})
    await subscription.close()
    assert await reader == []
    assert await _read(subscription, 1) == []


async def test_a_bound_queue_gets_what_is_published(backend: Backend, other: Backend) -> None:
    await backend.topics.bind("t", "q")
    await other.topics.bind("t", "q")
    waiting = asyncio.create_task(other.queues.receive("q", visibility=1000))
    await backend.topics.publish("t", b"1", {"a": "b"})
    delivery = await waiting
    assert delivery is not None
    assert (delivery.body, dict(delivery.headers)) == (b"1", {"a": "b"})
    assert (await other.queues.depth("q")).ready == 0


async def test_an_unbound_queue_keeps_what_it_has_and_gets_no_more(backend: Backend) -> None:
    await backend.topics.bind("t", "q")
    await backend.topics.publish("t", b"1", {})
    await backend.topics.unbind("t", "q")
    await backend.topics.publish("t", b"2", {})
    assert (await backend.queues.depth("q")).ready == 1


async def test_who_falls_behind_sees_a_gap(backend: Backend) -> None:
    subscription = await backend.topics.subscribe("t")
    await _publish(backend, 1)
    (first,) = await _read(subscription, 1)
    await _publish(backend, 12_000)
    (second,) = await _read(subscription, 1)
    assert second.sequence > first.sequence + 1


async def _publish(backend: Any, count: int) -> None:
    for _ in range(0, count, 500):
        await asyncio.gather(
            *(backend.topics.publish("t", b"", {}) for _ in range(min(count, 500)))
        )


async def _read(subscription: TopicSubscription, count: int) -> list[TopicMessage]:
    messages: list[TopicMessage] = []
    async for message in subscription:
        messages.append(message)
        if len(messages) == count:
            break
    return messages
