"""What a replica counts of its own work, on every backend."""

import asyncio
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import StreamingResponse
from tests.behaviour.services.asgi import websocket
from tests.behaviour.services.test_listener import SOON, until
from tests.behaviour.services.test_web import client_of

from immutant import App
from immutant.health import CHECK_HEADER
from immutant.runtime import AppRuntime


def counts(runtime: AppRuntime, name: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by its labels; of a histogram how many it has."""
    return {
        one.labels: sum(one.counts) if one.counts else one.value
        for one in runtime.tally.series()
        if one.name == f"immutant_{name}"
    }


async def test_a_message_is_counted_at_each_step(app: App, run: Any, world: Any) -> None:
    queue = app.queue("q")

    @app.listener(queue, attempts=2, backoff=SOON, concurrency=3)
    async def handle(body: object) -> None:
        if body == "bad":
            raise ValueError(body)

    runtime = await run(app)
    await queue.send_many(["good", "bad", "good"])

    async def is_settled() -> bool:
        return (await queue.depth()).dead == 1 and (
            counts(runtime, "messages_acknowledged").get(("q",)) == 2
        )

    await until(is_settled, world)
    assert counts(runtime, "messages_sent") == {("q",): 3}
    assert counts(runtime, "messages_received") == {("q",): 4}
    assert counts(runtime, "messages_retried") == {("q",): 1}
    await until_counted(runtime, world, "messages_dead", 1)
    assert counts(runtime, "message_age_seconds") == {("q",): 3}
    assert counts(runtime, "handler_seconds") == {("q",): 4}
    assert counts(runtime, "messages_in_hand") == {("q",): 0}
    assert counts(runtime, "listeners") == {("q",): 3}


async def until_counted(runtime: AppRuntime, world: Any, name: str, count: int) -> None:
    async def is_counted() -> bool:
        return counts(runtime, name) == {("q",): count}

    await until(is_counted, world)


async def test_what_a_drain_gives_back_is_not_counted_as_a_failure(
    app: App, run: Any, world: Any
) -> None:
    queue, begun = app.queue("q"), asyncio.Event()

    @app.listener(queue)
    async def handle(body: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    runtime = await run(app)
    await queue.send("x")
    await begun.wait()
    assert counts(runtime, "messages_in_hand") == {("q",): 1}
    await runtime.stop()
    assert counts(runtime, "messages_retried") == {("q",): 0}
    assert counts(runtime, "messages_in_hand") == {("q",): 0}


async def test_messages_by_hand_and_on_topics_are_counted_too(app: App, run: Any) -> None:
    queue, topic = app.queue("q"), app.topic("t")
    runtime = await run(app)
    await queue.send("x")
    received = await queue.receive(timeout=5)
    assert received is not None
    async with received:
        pass
    await topic.publish("y")
    assert counts(runtime, "messages_acknowledged") == {("q",): 1}
    assert counts(runtime, "messages_dead") == {("q",): 0}, "one that begins at 1 does not grow"
    assert counts(runtime, "messages_published") == {("t",): 1}


async def test_requests_are_counted_by_method_and_code_but_for_checks(app: App, run: Any) -> None:
    @app.get("/good")
    def good() -> str:
        return "good"

    @app.get("/bad")
    def bad() -> str:
        raise ValueError

    runtime = await run(app)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://app.test") as client:
        for path in ("/good", "/good", "/bad", "/nowhere"):
            await client.get(path)
        await client.request("BREW", "/good")
        await client.request("QUERY", "/good")
        await client.get("/good", headers={CHECK_HEADER: "1"})
    assert counts(runtime, "http_requests") == {
        ("GET", "200"): 2,
        ("GET", "500"): 1,
        ("GET", "404"): 1,
        ("QUERY", "405"): 1,
        ("other", "405"): 1,
    }
    timed = counts(runtime, "http_request_seconds")
    assert timed == {("GET",): 4, ("QUERY",): 1, ("other",): 1}
    assert counts(runtime, "http_requests_in_progress") == {(): 0}


async def test_a_stream_of_events_is_counted_when_it_begins(app: App, run: Any) -> None:
    seen: list[Any] = []

    @app.get("/events")
    def events() -> StreamingResponse:
        async def lines() -> Any:
            seen.append(counts(runtime, "http_request_seconds"))
            yield "data: 1\n\n"

        return StreamingResponse(lines(), media_type="text/event-stream")

    runtime = await run(app)
    async with client_of(app) as client:
        await client.get("/events")
    assert seen == [{("GET",): 1}]
    assert counts(runtime, "http_requests") == {("GET", "200"): 1}


async def test_websockets_are_counted_while_they_are_open(app: App, run: Any) -> None:
    seen: list[Any] = []

    @app.websocket("/ws")
    async def talk(socket: Any) -> None:
        await socket.accept()
        seen.append(counts(runtime, "websockets_open"))
        await socket.close()

    runtime = await run(app)
    await websocket(app, "/ws")
    assert seen == [{(): 1}]
    assert counts(runtime, "websockets_open") == {(): 0}


async def test_sessions_are_counted_when_they_begin_and_end(app: App, run: Any) -> None:
    @app.get("/in")
    def begin(request: Request) -> str:
        request.session["user"] = "x"
        return "in"

    @app.get("/out")
    def end(request: Request) -> str:
        request.session.invalidate()  # type: ignore[attr-defined]
        return "out"

    runtime = await run(app)
    async with client_of(app, "https://app.test") as client:
        for path in ("/in", "/in", "/out"):
            await client.get(path)
    assert counts(runtime, "sessions_created") == {(): 1}
    assert counts(runtime, "sessions_ended") == {(): 1}
