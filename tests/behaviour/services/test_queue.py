"""What a queue promises to its users."""

import asyncio
from typing import Any

import pytest

from immutant import App, ConflictError, DefinitionError, Queue, ValueRefusedError


@pytest.fixture
async def queue(app: App, run: Any) -> Queue:
    queue = app.queue("q")
    await run(app)
    return queue


async def test_a_message_is_received_with_all_it_was_sent_with(queue: Queue) -> None:
    sent = await queue.send({"n": 1}, priority="high", headers={"trace": "x"})
    received = await queue.receive(timeout=1)
    assert received is not None
    message = received.message
    assert (message.id, message.body, message.priority) == (sent, {"n": 1}, 7)
    assert (message.headers, message.attempt) == ({"trace": "x"}, 1)
    assert message.sent_at > 0
    assert await received.ack() is True
    assert (await queue.depth()).leased == 0


async def test_higher_priorities_come_first_and_equals_in_order(queue: Queue) -> None:
    await queue.send_many(["n1", "n2"])
    await queue.send("low", priority="low")
    await queue.send("critical", priority="critical")
    await queue.send("n3", priority=4)
    received = [await queue.receive(timeout=1) for _ in range(5)]
    assert [one and one.body for one in received] == ["critical", "n1", "n2", "n3", "low"]


async def test_leaving_the_context_acks_and_an_error_gives_back(queue: Queue) -> None:
    await queue.send("work")
    with pytest.raises(ZeroDivisionError):
        await _handle_badly(queue)
    again = await queue.receive(timeout=1)
    assert again is not None
    async with again:
        assert (again.body, again.message.attempt) == ("work", 2)
    depth = await queue.depth()
    assert (depth.ready, depth.leased) == (0, 0)


async def _handle_badly(queue: Queue) -> None:
    received = await queue.receive(timeout=1)
    assert received is not None
    async with received:
        raise ZeroDivisionError


async def test_a_message_that_fails_by_hand_each_time_is_a_dead_letter(queue: Queue) -> None:
    await queue.send("poison")
    for _ in range(2):
        received = await queue.receive(timeout=1, attempts=2)
        assert received is not None
        with pytest.raises(ValueError, match="bad"):
            async with received:
                raise ValueError("bad")
    (dead,) = await queue.dead()
    assert (dead.body, dead.attempts, dead.reason) == ("poison", 2, "ValueError: bad")
    assert (await queue.depth()).ready == 0


async def test_an_attempt_that_was_cancelled_does_not_count(queue: Queue) -> None:
    await queue.send("work")
    received = await queue.receive(timeout=1, attempts=1)
    assert received is not None
    with pytest.raises(asyncio.CancelledError):
        async with received:
            raise asyncio.CancelledError
    again = await queue.receive(timeout=1)
    assert again is not None
    assert again.message.attempt == 1


@pytest.mark.parametrize(
    "options", [{"visibility": 0}, {"visibility": None}, {"attempts": 0}, {"attempts": "3"}]
)
async def test_what_cannot_be_is_refused_before_anything_is_received(
    queue: Queue, options: dict[str, Any]
) -> None:
    await queue.send("work")
    with pytest.raises(DefinitionError, match=next(iter(options))):
        await queue.receive(timeout=1, **options)
    assert (await queue.depth()).ready == 1


async def test_a_message_that_would_be_dead_at_once_is_refused(queue: Queue) -> None:
    with pytest.raises(DefinitionError, match="ttl=0 must be more than zero"):
        await queue.send("work", ttl=0)


async def test_a_message_held_too_long_goes_to_another_and_cannot_be_acked(
    queue: Queue, world: Any
) -> None:
    await queue.send("work")
    first = await queue.receive(timeout=1, visibility=2 * world.tick)
    assert first is not None
    later = asyncio.create_task(queue.receive(visibility=100 * world.tick))
    await world.elapse(4 * world.tick)
    second = await later
    assert second is not None
    assert second.message.attempt == 2
    assert await first.ack() is False
    assert await first.retry() is False
    with pytest.raises(ConflictError, match="too late"):
        async with first:
            pass
    assert await second.ack() is True


async def test_an_extended_message_stays_in_hand(queue: Queue, world: Any) -> None:
    await queue.send("work")
    received = await queue.receive(timeout=1, visibility=2 * world.tick)
    assert received is not None
    assert await received.extend(100 * world.tick) is True
    waiting = asyncio.create_task(queue.receive())
    await world.elapse(4 * world.tick)
    waiting.cancel()
    assert await received.ack() is True


async def test_a_delayed_message_waits(queue: Queue, world: Any) -> None:
    await queue.send("later", delay=3 * world.tick)
    assert (await queue.depth()).delayed == 1
    receiving = asyncio.create_task(queue.receive())
    await world.elapse(world.tick)
    assert not receiving.done()
    await world.elapse(4 * world.tick)
    received = await receiving
    assert received is not None
    assert received.body == "later"


async def test_receive_gives_up_after_its_timeout(queue: Queue, world: Any) -> None:
    receiving = asyncio.create_task(queue.receive(timeout=world.tick))
    await world.elapse(2 * world.tick)
    assert await receiving is None


async def test_dead_letters_are_seen_replayed_and_discarded(queue: Queue) -> None:
    for body in ("one", "two"):
        await queue.send(body)
        received = await queue.receive(timeout=1)
        assert received is not None
        await received.bury(f"no use for {body}")
    dead = await queue.dead()
    assert [letter.body for letter in dead] == ["one", "two"]
    assert [letter.reason for letter in dead] == ["no use for one", "no use for two"]
    assert await queue.replay([dead[0].id]) == 1
    again = await queue.receive(timeout=1)
    assert again is not None
    assert (again.body, again.message.attempt) == ("one", 1)
    assert await queue.discard() == 1
    assert await queue.dead() == []


@pytest.mark.parametrize(
    ("body", "options", "remedy"),
    [
        ({1, 2}, {}, "sorted"),
        ("x" * 2**20, {}, "split it"),
        (1, {"priority": 10}, "0 to 9"),
        (1, {"priority": "urgent"}, "low, normal, high, critical"),
        (1, {"headers": {"n": 1}}, "str()"),
    ],
)
async def test_a_message_that_cannot_be_is_refused_and_nothing_is_sent(
    queue: Queue, body: Any, options: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(ValueRefusedError) as refused:
        await queue.send_many(["good", body], **options)
    assert remedy in str(refused.value)
    assert (await queue.depth()).ready == 0


async def test_what_cannot_be_decoded_is_buried_when_received_by_hand(
    queue: Queue, backend: Any
) -> None:
    from immutant.stores import Outgoing

    await backend.queues.send("q", [Outgoing(b"{not json")])
    with pytest.raises(ValueRefusedError, match="cannot be decoded"):
        await queue.receive(timeout=1)
    (dead,) = await queue.dead()
    assert dead.body == b"{not json"
    assert "cannot be decoded" in dead.reason


async def test_threads_send_by_the_queues_blocking_side(queue: Queue) -> None:
    def work() -> int:
        queue.blocking.send("one", priority="high")
        queue.blocking.send_many(["two"])
        return queue.blocking.depth().ready + len(queue.blocking.dead())

    assert await asyncio.to_thread(work) == 2
    assert await asyncio.to_thread(queue.blocking.replay) == 0
    assert await asyncio.to_thread(queue.blocking.discard) == 0
