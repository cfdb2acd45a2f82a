"""What every QueueStore promises."""

import asyncio
from typing import Any

import pytest

from immutant.stores import Backend, Delivery, Outgoing, QueueDepth, QueueStore

FOREVER = 10_000.0


async def test_messages_come_in_the_order_of_sending(backend: Backend) -> None:
    ids = await backend.queues.send("q", [Outgoing(b"1"), Outgoing(b"2")])
    ids += await backend.queues.send("q", [Outgoing(b"3")])
    received = [await _receive(backend.queues) for _ in range(3)]
    assert [delivery.body for delivery in received] == [b"1", b"2", b"3"]
    assert [delivery.id for delivery in received] == ids


async def test_higher_priorities_come_first(backend: Backend) -> None:
    await backend.queues.send("q", [Outgoing(b"%d" % n, priority=n) for n in (4, 0, 9, 4)])
    assert [(await _receive(backend.queues)).body for _ in range(4)] == [b"9", b"4", b"4", b"0"]


async def test_a_delivery_tells_what_was_sent(backend: Backend, other: Backend) -> None:
    await backend.queues.send("q", [Outgoing(b"\0body", {"a": "ü", "": ""}, priority=7)])
    delivery = await _receive(other.queues)
    assert (delivery.body, delivery.attempt, delivery.priority) == (b"\0body", 1, 7)
    assert dict(delivery.headers) == {"a": "ü", "": ""}
    assert delivery.sent_at > 1_700_000_000


async def test_an_acknowledged_message_is_gone(backend: Backend) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    delivery = await _receive(backend.queues)
    assert await backend.queues.ack("q", delivery) is True
    assert await backend.queues.ack("q", delivery) is False
    assert await backend.queues.depth("q") == QueueDepth(0, 0, 0, 0)


async def test_a_message_that_changes_hands_is_counted_all_the_while(
    backend: Backend, other: Backend
) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])

    async def pass_on() -> None:
        while True:
            delivery = await other.queues.receive("q", visibility=FOREVER)
            assert delivery is not None
            await other.queues.give_back("q", delivery, counted=False)

    passing = asyncio.create_task(pass_on())
    for _ in range(100):
        depth = await backend.queues.depth("q")
        assert depth.ready + depth.leased >= 1
    await _cancel(passing)


async def test_a_waiting_receive_gets_what_another_replica_sends(
    backend: Backend, other: Backend
) -> None:
    waiting = await _waiting(backend.queues)
    await other.queues.send("q", [Outgoing(b"1")])
    async with asyncio.timeout(0.8):  # Less than any second look at the store would take.
        assert (await waiting).body == b"1"


async def test_a_receive_without_a_message_ends_at_its_timeout(
    backend: Backend, world: Any
) -> None:
    assert await backend.queues.receive("q", visibility=1, timeout=0) is None
    waiting = await _waiting(backend.queues, timeout=2 * world.tick)
    await world.elapse(3 * world.tick)
    assert await waiting is None
    await backend.queues.send("q", [Outgoing(b"1")])
    assert (await backend.queues.depth("q")).ready == 1


async def test_two_waiting_consumers_take_turns(backend: Backend, other: Backend) -> None:
    assert await _share([backend.queues, other.queues], 10) == [
        [b"0", b"2", b"4", b"6", b"8"],
        [b"1", b"3", b"5", b"7", b"9"],
    ]


async def test_three_waiting_consumers_take_thirds(
    backend: Backend, other: Backend, world: Any
) -> None:
    third = await world.open("c")
    shares = await _share([backend.queues, other.queues, third.queues], 9)
    assert shares == [[b"0", b"3", b"6"], [b"1", b"4", b"7"], [b"2", b"5", b"8"]]


async def test_many_consumers_take_each_message_once(backend: Backend, other: Backend) -> None:
    async def consume(store: QueueStore) -> list[bytes]:
        bodies = []
        while (delivery := await store.receive("q", visibility=FOREVER, timeout=0)) is not None:
            assert await store.ack("q", delivery)
            bodies.append(delivery.body)
        return bodies

    sent = [b"%d" % n for n in range(200)]
    await backend.queues.send("q", [Outgoing(body) for body in sent])
    stores = [backend.queues, other.queues] * 4
    taken = await asyncio.gather(*(consume(store) for store in stores))
    assert sorted(body for bodies in taken for body in bodies) == sorted(sent)


async def test_a_delayed_message_comes_when_its_time_has_come(
    backend: Backend, other: Backend, world: Any
) -> None:
    waiting = await _waiting(backend.queues)
    await other.queues.send("q", [Outgoing(b"late", delay=3 * world.tick), Outgoing(b"now")])
    assert (await waiting).body == b"now"
    waiting = await _waiting(backend.queues)
    await world.elapse(world.tick)
    assert not waiting.done()
    assert (await backend.queues.depth("q")).delayed == 1
    await world.elapse(3 * world.tick)
    assert (await waiting).body == b"late"


async def test_a_delivery_that_is_not_settled_comes_again(
    backend: Backend, other: Backend, world: Any
) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    first = await _receive(backend.queues, visibility=3 * world.tick)
    waiting = await _waiting(other.queues)
    await world.elapse(world.tick)
    assert not waiting.done()
    await world.elapse(3 * world.tick)
    second = await waiting
    assert (second.id, second.attempt) == (first.id, 2)


async def test_who_was_overtaken_can_settle_nothing(backend: Backend, world: Any) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    first = await _receive(backend.queues, visibility=world.tick)
    await world.elapse(2 * world.tick)
    second = await _receive(backend.queues)
    assert await backend.queues.ack("q", first) is False
    assert await backend.queues.give_back("q", first) is False
    assert await backend.queues.bury("q", first, "why") is False
    assert await backend.queues.extend("q", [first, second], FOREVER) == [first]
    assert await backend.queues.ack("q", second) is True


async def test_an_extended_delivery_stays_with_its_consumer(backend: Backend, world: Any) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    delivery = await _receive(backend.queues, visibility=3 * world.tick)
    await world.elapse(2 * world.tick)
    assert await backend.queues.extend("q", [delivery], 4 * world.tick) == []
    await world.elapse(2 * world.tick)
    assert await backend.queues.receive("q", visibility=1, timeout=0) is None
    await world.elapse(3 * world.tick)
    assert (await _receive(backend.queues)).attempt == 2


@pytest.mark.parametrize(("counted", "attempt"), [(True, 2), (False, 1)])
async def test_a_message_given_back_keeps_its_place(
    backend: Backend, counted: bool, attempt: int
) -> None:
    await backend.queues.send("q", [Outgoing(b"1"), Outgoing(b"2")])
    delivery = await _receive(backend.queues)
    assert await backend.queues.give_back("q", delivery, counted=counted) is True
    again = await _receive(backend.queues)
    assert (again.body, again.attempt) == (b"1", attempt)


async def test_a_message_given_back_waits_for_its_delay(backend: Backend, world: Any) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    await backend.queues.give_back("q", await _receive(backend.queues), delay=2 * world.tick)
    assert await backend.queues.depth("q") == QueueDepth(0, 1, 0, 0)
    waiting = await _waiting(backend.queues)
    await world.elapse(3 * world.tick)
    assert (await waiting).attempt == 2


async def test_a_message_given_back_goes_to_who_waits(backend: Backend, other: Backend) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    delivery = await _receive(backend.queues)
    waiting = await _waiting(other.queues)
    await backend.queues.give_back("q", delivery)
    assert (await waiting).attempt == 2


async def test_a_cancelled_receive_takes_nothing(backend: Backend) -> None:
    waiting = await _waiting(backend.queues)
    await _cancel(waiting)
    await backend.queues.send("q", [Outgoing(b"1")])
    # On the grid it may be on its way to the one that was cancelled, and back, for a moment.
    delivery = await backend.queues.receive("q", visibility=FOREVER, timeout=5)
    assert delivery is not None
    assert delivery.attempt == 1


async def test_a_message_on_its_way_to_a_cancelled_receive_goes_to_the_next(
    backend: Backend, other: Backend
) -> None:
    first, second, third = [await _waiting(store.queues) for store in (backend, other, backend)]
    await other.queues.send("q", [Outgoing(b"1")])
    await _cancel(first)  # It may have been handed over, and not have been seen yet.
    await other.queues.send("q", [Outgoing(b"2")])
    if first.cancelled():
        got = [await second, await third]
        assert [(delivery.body, delivery.attempt) for delivery in got] == [(b"1", 1), (b"2", 1)]
    else:
        assert [(await first).body, (await second).body] == [b"1", b"2"]
        await _cancel(third)


async def test_receives_cancelled_at_any_moment_lose_nothing(backend: Backend) -> None:
    await backend.queues.send("q", [Outgoing(b"%d" % n) for n in range(20)])
    received: list[Delivery] = []
    for rounds in range(40):
        task = asyncio.create_task(backend.queues.receive("q", visibility=FOREVER))
        for _ in range(rounds % 10):
            await asyncio.sleep(0)
        await _cancel(task)
        if not task.cancelled():
            received += filter(None, [task.result()])
    while delivery := await backend.queues.receive("q", visibility=FOREVER, timeout=0):
        received.append(delivery)
    assert sorted(delivery.body for delivery in received) == sorted(b"%d" % n for n in range(20))
    assert {delivery.attempt for delivery in received} == {1}


async def test_a_buried_message_is_a_dead_letter(backend: Backend) -> None:
    ids = await backend.queues.send("q", [Outgoing(b"1", {"a": "b"})])
    assert await backend.queues.bury("q", await _receive(backend.queues), "its fault") is True
    (dead,) = await backend.queues.dead("q")
    assert (dead.id, dead.body, dict(dead.headers)) == (ids[0], b"1", {"a": "b"})
    assert (dead.attempts, dead.reason) == (1, "its fault")
    assert await backend.queues.depth("q") == QueueDepth(0, 0, 0, 1)
    assert await backend.queues.receive("q", visibility=1, timeout=0) is None


async def test_a_message_that_nobody_receives_in_time_expires(backend: Backend, world: Any) -> None:
    await backend.queues.send("q", [Outgoing(b"1", ttl=world.tick), Outgoing(b"2")])
    await world.elapse(2 * world.tick)
    assert (await _receive(backend.queues)).body == b"2"
    (dead,) = await backend.queues.dead("q")
    assert (dead.body, dead.reason, dead.attempts) == (b"1", "expired", 0)


async def test_a_message_that_is_held_does_not_expire(backend: Backend, world: Any) -> None:
    await backend.queues.send("q", [Outgoing(b"1", ttl=world.tick)])
    delivery = await _receive(backend.queues)
    await world.elapse(2 * world.tick)
    assert await backend.queues.depth("q") == QueueDepth(0, 0, 1, 0)
    assert await backend.queues.ack("q", delivery) is True


async def test_replayed_messages_begin_anew(backend: Backend, other: Backend) -> None:
    await backend.queues.send("q", [Outgoing(b"1", {"a": "b"}), Outgoing(b"2")])
    deliveries = [await _receive(backend.queues) for _ in range(2)]
    for delivery in deliveries:
        await backend.queues.bury("q", delivery, "why")
    waiting = await _waiting(other.queues)
    assert await backend.queues.replay("q", [deliveries[1].id]) == 1
    again = await waiting
    assert (again.body, again.attempt) == (b"2", 1)
    assert await backend.queues.ack("q", deliveries[1]) is False
    assert await backend.queues.replay("q") == 1
    assert dict((await _receive(backend.queues)).headers) == {"a": "b"}
    assert await backend.queues.dead("q") == []


async def test_discarded_dead_letters_are_forgotten(backend: Backend) -> None:
    ids = await backend.queues.send("q", [Outgoing(b"%d" % n) for n in range(3)])
    for _ in ids:
        await backend.queues.bury("q", await _receive(backend.queues), "why")
    assert [dead.id for dead in await backend.queues.dead("q", limit=2)] == ids[:2]
    assert await backend.queues.discard("q", ids[:1]) == 1
    assert await backend.queues.discard("q") == 2
    assert await backend.queues.depth("q") == QueueDepth(0, 0, 0, 0)


async def test_a_closed_replica_gives_back_what_it_holds(backend: Backend, other: Backend) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    await _receive(backend.queues)
    waiting = await _waiting(other.queues)
    await backend.close()
    assert (await waiting).attempt == 2


async def test_what_waits_at_a_closed_replica_takes_nothing(
    backend: Backend, other: Backend
) -> None:
    waiting = await _waiting(backend.queues)
    await backend.close()
    with pytest.raises(Exception, match="closed"):
        await waiting
    await other.queues.send("q", [Outgoing(b"1")])
    assert (await _receive(other.queues)).attempt == 1


async def test_queues_do_not_see_each_others_messages(backend: Backend) -> None:
    await backend.queues.send("one", [Outgoing(b"1")])
    assert await backend.queues.receive("two", visibility=1, timeout=0) is None


async def _receive(store: QueueStore, visibility: float = FOREVER) -> Delivery:
    delivery = await store.receive("q", visibility=visibility, timeout=0)
    assert delivery is not None
    return delivery


async def _waiting(store: QueueStore, timeout: float | None = None) -> "asyncio.Task[Any]":
    """A receive that waits already: it stands in the line before every later one."""
    task = asyncio.create_task(store.receive("q", visibility=FOREVER, timeout=timeout))
    await asyncio.sleep(0)
    await store.depth("none")  # Behind the receive in this replica's order.
    return task


async def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.wait({task})


async def _share(stores: list[QueueStore], count: int) -> list[list[bytes]]:
    """What each of the stores' consumers gets of so many messages, sent one by one."""
    shares: list[list[bytes]] = [[] for _ in stores]
    waiting = [await _waiting(store) for store in stores]
    for number in range(count):
        await stores[0].send("q", [Outgoing(b"%d" % number)])
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        for place, task in enumerate(waiting):
            if task.done():
                shares[place].append(task.result().body)
                await stores[place].ack("q", task.result())
                waiting[place] = await _waiting(stores[place])
    for task in waiting:
        await _cancel(task)
    return shares
