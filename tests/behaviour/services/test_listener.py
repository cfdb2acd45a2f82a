"""What a listener promises."""

import asyncio
import logging
import threading
from typing import Any

import pytest

from immutant import App, Backoff, Message
from immutant.stores import Outgoing

SOON = Backoff(first=0.001, most=0.001)


class WordlessError(Exception):
    """Its text cannot be made."""

    def __str__(self) -> str:
        raise LookupError


async def until(condition: Any, world: Any) -> None:
    """Let a little time pass, again and again, until the condition holds."""
    async with asyncio.timeout(20):
        while not await condition():
            await world.elapse(0.01)


async def empty(queue: Any) -> bool:
    depth = await queue.depth()
    return not (depth.ready or depth.delayed or depth.leased)


async def test_messages_are_handled_and_gone(app: App, run: Any, world: Any) -> None:
    queue, seen = app.queue("q"), list[object]()

    @app.listener(queue)
    async def handle(body: object) -> None:
        seen.append(body)

    await run(app)
    await queue.send_many([1, {"a": 2}, b"raw"])
    await until(lambda: empty(queue), world)
    assert seen == [1, {"a": 2}, b"raw"]


async def test_a_handler_may_take_the_message_too(app: App, run: Any, world: Any) -> None:
    queue, seen = app.queue("q"), list[tuple[object, Message]]()
    app.listener(queue)(lambda body, message: seen.append((body, message)))
    await run(app)
    sent = await queue.send("body", headers={"h": "v"})
    await until(lambda: empty(queue), world)
    ((body, message),) = seen
    assert (body, message.id, message.headers["h"], message.attempt) == ("body", sent, "v", 1)


async def test_plain_functions_handle_in_threads_and_use_blocking_sides(
    app: App, run: Any, world: Any
) -> None:
    queue, cache = app.queue("q"), app.cache("c")
    threads = []

    @app.listener(queue, concurrency=3)
    def handle(body: int) -> None:
        threads.append(threading.current_thread())
        cache.blocking.increment("sum", body)

    await run(app)
    await queue.send_many([1, 2, 3, 4])
    await until(lambda: empty(queue), world)
    assert await cache.get("sum") == 10
    assert threading.main_thread() not in threads


async def test_a_failed_message_is_tried_again_with_its_attempt(
    app: App, run: Any, world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    queue, attempts = app.queue("q"), list[int]()

    @app.listener(queue, backoff=SOON)
    async def handle(body: object, message: Message) -> None:
        attempts.append(message.attempt)
        if message.attempt < 3:
            raise ValueError("not yet")

    await run(app)
    await queue.send("work")
    await until(lambda: empty(queue), world)
    assert attempts == [1, 2, 3]
    assert "attempt 1 of 10" in caplog.text


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (SystemExit(3), "raised SystemExit(3)"),
        (asyncio.CancelledError(), "CancelledError"),
        (WordlessError(), "WordlessError, whose text cannot be had"),
        (FileNotFoundError("/data/\udcff.csv"), r"/data/\udcff.csv"),
    ],
    ids=["exception", "exit", "cancellation", "wordless", "strange name"],
)
async def test_after_its_attempts_a_message_is_a_dead_letter_with_its_error(
    app: App,
    run: Any,
    world: Any,
    error: BaseException,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    queue, handled = app.queue("q"), list[object]()

    @app.listener(queue, attempts=2, backoff=SOON)
    async def handle(body: object) -> None:
        handled.append(body)
        if body == "bad":
            raise error

    await run(app)
    await queue.send_many(["bad", "good"])
    await until(lambda: empty(queue), world)
    (dead,) = await queue.dead()
    assert reason in dead.reason
    assert dead.attempts == 2
    assert sorted(handled) == ["bad", "bad", "good"]  # type: ignore[type-var]


async def test_poison_is_buried_with_its_reason_and_the_next_is_handled(
    app: App, run: Any, world: Any, backend: Any, caplog: pytest.LogCaptureFixture
) -> None:
    queue, seen = app.queue("q"), list[object]()
    app.listener(queue)(seen.append)
    await run(app)
    await backend.queues.send("q", [Outgoing(b"\xff"), Outgoing(b'"good"')])
    await until(lambda: empty(queue), world)
    assert seen == ["good"]
    assert "cannot be decoded" in (await queue.dead())[0].reason


async def test_a_message_that_took_its_replicas_down_is_buried_unhandled(
    app: App, run: Any, world: Any, backend: Any, caplog: pytest.LogCaptureFixture
) -> None:
    queue, seen = app.queue("q"), list[object]()
    app.listener(queue, attempts=2)(seen.append)
    await backend.queues.send("q", [Outgoing(b'"killer"')])
    for _ in range(2):
        delivery = await backend.queues.receive("q", visibility=60, timeout=1)
        await backend.queues.give_back("q", delivery)
    await run(app)
    await until(lambda: empty(queue), world)
    assert seen == []
    assert "delivered 2 times and never settled" in (await queue.dead())[0].reason


async def test_as_many_messages_are_handled_at_a_time_as_was_said(
    app: App, run: Any, world: Any
) -> None:
    queue, running, most, all_there = app.queue("q"), 0, 0, asyncio.Event()

    @app.listener(queue, concurrency=3)
    async def handle(body: object) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            all_there.set()
        async with asyncio.timeout(5):
            await all_there.wait()
        await asyncio.sleep(0.005)  # for a fourth, if there were one
        running -= 1

    await run(app)
    await queue.send_many(list(range(12)))
    await until(lambda: empty(queue), world)
    assert most == 3


async def test_a_message_stays_in_hand_while_its_handler_runs(
    app: App, run: Any, world: Any
) -> None:
    queue, attempts, finish = app.queue("q"), list[int](), asyncio.Event()

    @app.listener(queue, concurrency=2, visibility=3 * world.tick)
    async def handle(body: object, message: Message) -> None:
        attempts.append(message.attempt)
        await finish.wait()

    await run(app)
    await queue.send("long")
    await world.elapse(12 * world.tick)
    finish.set()
    await until(lambda: empty(queue), world)
    assert attempts == [1]


async def test_a_drain_lets_handlers_finish_and_receives_nothing_more(
    app: App, run: Any, world: Any
) -> None:
    queue, begun, finish, handled = app.queue("q"), asyncio.Event(), asyncio.Event(), list[int]()

    @app.listener(queue)
    async def handle(body: int) -> None:
        begun.set()
        await finish.wait()
        handled.append(body)

    runtime = await run(app)
    await queue.send_many([1, 2])
    await begun.wait()
    draining = asyncio.create_task(runtime.drain(60 * world.tick))
    await world.elapse(world.tick)
    assert runtime.draining
    assert not draining.done()
    finish.set()
    await draining
    assert handled == [1]
    assert (await queue.depth()).ready == 1


async def test_what_does_not_finish_in_its_grace_is_given_back_at_once(
    app: App, run: Any, world: Any
) -> None:
    queue, begun, cancelled = app.queue("q"), asyncio.Event(), asyncio.Event()

    @app.listener(queue)
    async def handle(body: object) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    runtime = await run(app)
    await queue.send("endless")
    await begun.wait()
    draining = asyncio.create_task(runtime.drain(world.tick))
    await world.elapse(2 * world.tick)
    await draining
    assert cancelled.is_set()
    depth = await queue.depth()
    assert (depth.ready, depth.leased) == (1, 0)


@pytest.mark.parametrize(("method", "ticks", "times"), [("ack", 0, 2), ("extend", 9, 1)])
async def test_a_store_that_fails_as_no_store_should_ends_no_loop(
    app: App,
    run: Any,
    world: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: Any,
    method: str,
    ticks: int,
    times: int,
) -> None:
    queue, handled = app.queue("q"), list[str]()

    @app.listener(queue, visibility=6 * world.tick)
    async def handle(body: str) -> None:
        handled.append(body)
        await world.clock.sleep(ticks * world.tick)

    runtime = await run(app)
    store = runtime._replica.backend.queues
    real, failures = getattr(store, method), [RuntimeError("broken")]

    async def failing(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real(*args)

    monkeypatch.setattr(store, method, failing)
    await queue.send("work")
    async with asyncio.timeout(20):
        while not await empty(queue):
            await world.elapse(world.tick)
    assert handled == ["work"] * times
    assert "broken" in caplog.text


async def test_replicas_take_turns(app: App, run: Any, world: Any) -> None:
    queue = app.queue("q")
    seen: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    for replica, handled in seen.items():
        copy = App("demo")
        copy.listener(copy.queue("q"))(_keeper(handled))
        await run(copy, replica)
    await run(app, "sender")
    for number in range(9):
        await queue.send(number)
        await until(lambda: empty(queue), world)
    assert [len(handled) for handled in seen.values()] == [3, 3, 3]


def _keeper(handled: list[int]) -> Any:
    async def handle(body: int) -> None:
        handled.append(body)

    return handle


async def test_a_store_in_trouble_is_told_once_and_then_work_goes_on(
    app: App, run: Any, world: Any, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    from immutant import StoreError
    from immutant.services import consumer

    queue, seen = app.queue("q"), list[object]()
    app.listener(queue)(seen.append)
    monkeypatch.setattr(consumer, "TROUBLE", SOON)
    runtime = await run(app)
    store = runtime._replica.backend.queues
    receive, failures = store.receive, [StoreError("disk gone")] * 5

    async def failing(*args: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop()
        return await receive(*args, **options)

    monkeypatch.setattr(store, "receive", failing)
    await queue.send_many([1, 2])
    await until(lambda: empty(queue), world)
    assert seen == [1, 2]
    warnings = [line for line in caplog.records if line.levelno >= logging.WARNING]
    assert [line.getMessage() for line in warnings] == [
        "queue 'q': cannot receive, trying again: disk gone"
    ]
