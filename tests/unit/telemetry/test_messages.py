"""Spans of messages, on a store in memory."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind, StatusCode
from tests.unit.telemetry.looking import Kept, attributes, ids, parent

from immutant import App, Backoff, ConflictError, Message
from immutant.stores import Outgoing

THEIRS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SOON = Backoff(first=0.001, most=0.001)


@pytest.fixture
def app() -> App:
    return App("demo")


async def test_a_message_is_handled_as_a_child_of_its_sending_and_linked_to_it(
    app: App, run: Any, kept: Kept
) -> None:
    queue = app.queue("q")
    app.listener(queue)(lambda body: None)
    await run(app)
    number = await queue.send("body", headers={"h": "v"})
    (handled,) = await kept.wait_for("process q")
    (sent,) = kept.named("send q")
    assert parent(handled) == ids(sent)
    assert [(link.context.trace_id, link.context.span_id) for link in handled.links] == [ids(sent)]
    assert (sent.kind, handled.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert attributes(sent) == {
        "messaging.system": "immutant",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "q",
        "messaging.message.id": number,
    }
    assert attributes(handled) == {
        "messaging.system": "immutant",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "q",
        "messaging.message.id": number,
        "messaging.immutant.message.delivery_count": 1,
    }


async def test_each_delivery_has_a_span_and_a_failed_one_says_its_error(
    app: App, run: Any, kept: Kept
) -> None:
    queue = app.queue("q")

    @app.listener(queue, backoff=SOON)
    def handle(body: object, message: Message) -> None:
        if message.attempt == 1:
            raise ValueError("not yet")

    await run(app)
    await queue.send("body")
    failed, done = await kept.wait_for("process q", 2)
    assert attributes(failed)["error.type"] == "builtins.ValueError"
    assert (failed.status.status_code, failed.events[0].name) == (StatusCode.ERROR, "exception")
    assert attributes(done)["messaging.immutant.message.delivery_count"] == 2
    assert "error.type" not in attributes(done)
    assert parent(failed) == parent(done)


@pytest.mark.parametrize("is_async", [True, False])
async def test_what_a_handler_does_belongs_to_its_message(
    app: App, run: Any, kept: Kept, provider: TracerProvider, is_async: bool
) -> None:
    first, second = app.queue("first"), app.queue("second")
    users = trace.get_tracer("user", tracer_provider=provider)

    async def asynchronous(body: object) -> None:
        with users.start_as_current_span("own"):
            await second.send(body)

    def plain(body: object) -> None:
        with users.start_as_current_span("own"):
            second.blocking.send(body)

    app.listener(first)(asynchronous if is_async else plain)
    await run(app)
    await first.send("body")
    (handled,) = await kept.wait_for("process first")
    (own,), (sent,) = kept.named("own"), kept.named("send second")
    assert (parent(own), parent(sent)) == (ids(handled), ids(own))


async def test_messages_sent_together_are_one_span_with_their_number(
    app: App, run: Any, kept: Kept
) -> None:
    queue = app.queue("q")
    app.listener(queue)(lambda body: None)
    await run(app)
    await queue.send_many([1, 2, 3])
    handled = await kept.wait_for("process q", 3)
    (sent,) = kept.named("send q")
    assert attributes(sent)["messaging.batch.message_count"] == 3
    assert "messaging.message.id" not in attributes(sent)
    assert {parent(one) for one in handled} == {ids(sent)}


async def test_a_context_that_the_user_sends_is_kept_and_linked_to(
    app: App, run: Any, kept: Kept
) -> None:
    queue, seen = app.queue("q"), list[str]()
    app.listener(queue)(lambda body, message: seen.append(message.headers["traceparent"]))
    await run(app)
    await queue.send("body", headers={"traceparent": THEIRS})
    (handled,) = await kept.wait_for("process q")
    (sent,) = kept.named("send q")
    assert seen == [THEIRS]
    assert parent(handled) == (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)
    assert [link.context.span_id for link in sent.links] == [0xB7AD6B7169203331]


async def test_a_message_without_a_context_begins_a_trace_of_its_own(
    app: App, run: Any, kept: Kept
) -> None:
    queue = app.queue("q")
    app.listener(queue)(lambda body: None)
    runtime = await run(app)
    await runtime._replica.backend.queues.send("q", [Outgoing(b'"of an older replica"')])
    (handled,) = await kept.wait_for("process q")
    assert (parent(handled), list(handled.links)) == (None, [])


async def test_a_message_received_by_hand_is_handled_within_its_context(
    app: App, run: Any, kept: Kept
) -> None:
    queue, other = app.queue("q"), app.queue("other")
    await run(app)
    await queue.send("body")
    received = await queue.receive(timeout=5)
    assert received is not None
    async with received:
        await other.send("more")
    (sent,), (handled,) = kept.named("send q"), kept.named("process q")
    (more,) = kept.named("send other")
    assert (parent(handled), parent(more)) == (ids(sent), ids(handled))
    await other.send("and more")
    assert parent(kept.named("send other")[1]) is None


async def test_a_message_received_by_hand_may_be_entered_again(
    app: App, run: Any, kept: Kept
) -> None:
    queue = app.queue("q")
    await run(app)
    await queue.send("body")
    received = await queue.receive(timeout=5)
    assert received is not None
    async with received:
        pass
    with pytest.raises(ConflictError, match="too late"):
        async with received:
            pass
    assert len(kept.named("process q")) == 2


async def test_what_a_topic_gives_to_live_and_durable_listeners_is_one_trace(
    app: App, run: Any, kept: Kept
) -> None:
    topic = app.topic("news")
    app.listener(topic)(lambda body: None)
    app.listener(topic, subscription="mail")(lambda body: None)
    await run(app)
    await topic.publish("body")
    handled = await kept.wait_for("process news", 2)
    (published,) = kept.named("publish news")
    assert attributes(published)["messaging.operation.type"] == "send"
    assert {parent(one) for one in handled} == {ids(published)}
    name = "messaging.destination.subscription.name"
    assert {attributes(one).get(name) for one in handled} == {None, "mail"}
