"""What a topic promises to its users."""

import asyncio
from typing import Any

import pytest

from immutant import App, DefinitionError, Message, ValueRefusedError


async def until(condition: Any, world: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await world.elapse(0.01)


async def test_every_replica_hears_every_message(run: Any, world: Any) -> None:
    heard: dict[str, list[object]] = {"a": [], "b": []}
    for replica, messages in heard.items():
        app = App("demo")
        topic = app.topic("news")
        app.listener(topic)(messages.append)
        await run(app, replica)
    for body in ({"n": 1}, b"raw"):
        await topic.publish(body)
    await until(lambda: all(len(messages) == 2 for messages in heard.values()), world)
    assert heard == {"a": [{"n": 1}, b"raw"], "b": [{"n": 1}, b"raw"]}


async def test_a_durable_subscription_gives_each_message_to_one_replica(
    run: Any, world: Any
) -> None:
    heard: dict[str, list[object]] = {"a": [], "b": []}
    for replica, messages in heard.items():
        app = App("demo")
        topic = app.topic("news")
        app.listener(topic, subscription="mail")(messages.append)
        await run(app, replica)
    for number in range(6):
        await topic.publish(number)
        await until(lambda sent=number + 1: sum(map(len, heard.values())) == sent, world)
    assert [len(messages) for messages in heard.values()] == [3, 3]


async def test_a_durable_subscription_keeps_what_is_published_while_nobody_listens(
    run: Any, world: Any
) -> None:
    heard: list[object] = []
    first, second, publisher = App("demo"), App("demo"), App("demo")
    first.listener(first.topic("news"), subscription="mail")(heard.append)
    second.listener(second.topic("news"), subscription="mail")(heard.append)
    topic = publisher.topic("news")
    await run(publisher, "p")
    gone = await run(first, "a")
    await gone.drain(1.0)
    await topic.publish("kept")
    assert heard == []
    await run(second, "b")
    await until(lambda: heard == ["kept"], world)


async def test_an_ended_subscription_collects_nothing_more(app: App, run: Any) -> None:
    topic = app.topic("news")
    app.listener(topic, subscription="mail")(lambda body: None)
    runtime = await run(app)
    await runtime.drain(1.0)
    await topic.end_subscription("mail")
    await topic.publish("lost")
    queue = App("demo").queue("news@mail")
    queue._binding = app.binding
    assert (await queue.depth()).ready == 0


async def test_a_live_subscription_hears_from_now_on(app: App, run: Any) -> None:
    topic = app.topic("news")
    await run(app)
    await topic.publish("before")
    async with topic.subscribe() as messages:
        await topic.publish("now")
        assert await anext(messages) == "now"


async def test_while_clients_depart_live_listeners_hear_and_queues_are_left_to_others(
    app: App, run: Any, world: Any
) -> None:
    topic, heard, kept = app.topic("news"), list[object](), list[object]()
    app.listener(topic)(heard.append)
    app.listener(topic, subscription="mail")(kept.append)
    runtime = await run(app)
    departed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    draining = asyncio.create_task(runtime.drain(60.0, departed))
    await asyncio.sleep(0)
    await topic.publish("to websockets")
    await until(lambda: heard == ["to websockets"], world)
    departed.set_result(None)
    await draining
    await topic.publish("to nobody")
    assert (heard, kept) == (["to websockets"], [])


async def test_a_failing_handler_does_not_end_the_listening(
    app: App, run: Any, world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    topic, heard = app.topic("news"), list[Message]()

    @app.listener(topic)
    async def handle(body: object, message: Message) -> None:
        heard.append(message)
        if body == "bad":
            raise ValueError("no")

    await run(app)
    await topic.publish("bad", headers={"h": "v"})
    await topic.publish("good")
    await until(lambda: len(heard) == 2, world)
    assert heard[0].headers == {"h": "v"}
    assert "failed" in caplog.text


async def test_what_is_no_json_is_not_published(app: App, run: Any) -> None:
    topic = app.topic("news")
    await run(app)
    with pytest.raises(ValueRefusedError, match="topic 'news'"):
        await topic.publish({1})
    with pytest.raises(ValueRefusedError, match=r"str\(\)"):
        await topic.publish(1, headers={"n": 1})  # type: ignore[dict-item]


async def test_threads_publish_by_the_topics_blocking_side(app: App, run: Any, world: Any) -> None:
    topic, heard = app.topic("news"), list[object]()
    app.listener(topic)(heard.append)
    await run(app)
    await asyncio.to_thread(topic.blocking.publish, "from a thread")
    await until(lambda: heard == ["from a thread"], world)


def test_the_queue_behind_a_subscription_cannot_be_defined_twice(app: App) -> None:
    app.queue("news@mail")
    with pytest.raises(DefinitionError, match="defined twice"):
        app.listener(app.topic("news"), subscription="mail")
