"""What becomes of a client's connection while the process that serves it stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from immutant.serve.connections import Connections
from immutant.testing.clock import FakeClock, settle

DELAY = 3.5
Message = dict[str, Any]
EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]


class Client:
    """One exchange with an application: what the client says, and what it was sent."""

    def __init__(self, kind: str, headers: Any = ()) -> None:
        self.scope = {"type": kind, "headers": list(headers), "path": "/"}
        self.sent: list[Message] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self._said: asyncio.Queue[Message] = asyncio.Queue()

    def say(self, **message: Any) -> None:
        self._said.put_nowait(message)

    async def receive(self) -> Message:
        return await self._said.get()

    async def send(self, message: Any) -> None:
        """As the web server does: what ends the exchange is told to the application too."""
        await self.reads.wait()
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.say(type="websocket.disconnect", code=message["code"])
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.say(type="http.disconnect")

    @property
    def is_told_to_close(self) -> bool:
        return (b"connection", b"close") in self.sent[0]["headers"]

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent[1:])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def leaving(clients: Connections) -> AsyncIterator["asyncio.Task[None]"]:
    """The process has been told to stop."""
    task = asyncio.create_task(clients.leave(DELAY))
    await settle()
    try:
        yield task
    finally:
        task.cancel()


async def asked(clients: Connections, headers: Any = ()) -> Client:
    client = Client("http", headers)
    await clients(client.scope, client.receive, client.send)
    return client


async def test_an_answer_ends_its_connection_from_the_moment_the_process_is_told_to_stop(
    clock: FakeClock,
) -> None:
    clients = Connections(answer, clock)
    assert not (await asked(clients)).is_told_to_close
    async with leaving(clients):
        assert (await asked(clients)).is_told_to_close


async def test_an_answer_that_the_application_ends_itself_says_so_once(clock: FakeClock) -> None:
    async def closing(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"Connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    clients = Connections(closing, clock)
    async with leaving(clients):
        (one,) = (await asked(clients)).sent[0]["headers"]
        assert one[0].lower() == b"connection"


async def test_who_still_sends_its_request_is_not_cut_off_by_an_early_answer(
    clock: FakeClock,
) -> None:
    async def reading(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await answer(scope, receive, send)

    upload = [(b"transfer-encoding", b"chunked")]
    refusing, accepting = Connections(answer, clock), Connections(reading, clock)
    async with leaving(refusing), leaving(accepting):
        assert not (await asked(refusing, upload)).is_told_to_close
        assert not (await asked(refusing, [(b"content-length", b"5")])).is_told_to_close
        assert (await asked(refusing, [(b"content-length", b"0")])).is_told_to_close
        client = Client("http", upload)
        client.say(type="http.request", body=b"a", more_body=True)
        client.say(type="http.request", body=b"b", more_body=False)
        await accepting(client.scope, client.receive, client.send)
        assert client.is_told_to_close


@asynccontextmanager
async def open_with(
    clients: Connections, kind: str
) -> AsyncIterator[tuple[Client, "asyncio.Task[None]"]]:
    client = Client(kind)
    serving = asyncio.create_task(_serve(clients, client))
    await settle()
    try:
        yield client, serving
    finally:
        serving.cancel()


async def _serve(clients: Connections, client: Client) -> None:
    await clients(client.scope, client.receive, client.send)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """A WebSocket that answers until its client leaves."""
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": message["text"]})


async def test_a_websocket_works_on_for_the_delay_and_is_then_closed_with_1012(
    clock: FakeClock,
) -> None:
    clients = Connections(echo, clock)
    async with open_with(clients, "websocket") as (client, serving), leaving(clients):
        await clock.advance(DELAY - 0.1)
        client.say(type="websocket.receive", text="still there?")
        await settle()
        assert client.sent[-1] == {"type": "websocket.send", "text": "still there?"}
        await clock.advance(0.2)
        assert (client.sent[-1]["type"], client.sent[-1]["code"]) == ("websocket.close", 1012)
        assert serving.done()
        assert serving.exception() is None


async def test_a_websocket_that_is_let_in_after_the_delay_is_closed_as_well(
    clock: FakeClock,
) -> None:
    clients = Connections(echo, clock)
    async with leaving(clients):
        await clock.advance(DELAY + 0.1)
        async with open_with(clients, "websocket") as (client, _):
            kinds = [one["type"] for one in client.sent]
            assert kinds == ["websocket.accept", "websocket.close"]


async def test_an_application_that_sends_on_a_closed_websocket_hears_it_and_fails_nobody(
    clock: FakeClock,
) -> None:
    heard: list[OSError] = []

    async def pushing(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        while True:
            await clock.sleep(1)
            try:
                await send({"type": "websocket.send", "text": "tick"})
            except OSError as error:
                heard.append(error)
                raise

    clients = Connections(pushing, clock)
    async with open_with(clients, "websocket") as (client, serving), leaving(clients):
        await clock.advance(DELAY + 2)
        assert client.sent[-1]["code"] == 1012
        assert len(heard) == 1
        assert serving.done()
        assert serving.exception() is None


def streaming(
    clock: FakeClock, chunks: list[bytes], headers: Any
) -> Callable[..., Awaitable[None]]:
    """An application that streams a chunk a second, and then only waits."""

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await clock.sleep(1)
        while (await receive())["type"] != "http.disconnect":
            pass

    return stream


async def test_an_event_stream_that_is_silent_ends_after_the_delay(clock: FakeClock) -> None:
    clients = Connections(streaming(clock, [b"data: 1\n\n"], EVENTS), clock)
    async with open_with(clients, "http") as (client, serving), leaving(clients):
        await clock.advance(DELAY - 0.1)
        assert client.sent[-1]["more_body"]
        await clock.advance(0.2)
        assert client.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        assert serving.done()


async def test_an_event_that_is_half_sent_is_finished_before_its_stream_ends(
    clock: FakeClock,
) -> None:
    halves = [b"data: ", b"1\r\n", b"data: 2\r\n", b"data: 3\r", b"\n\r\n", b"data: 4\r\n\r\n"]
    clients = Connections(streaming(clock, halves, EVENTS), clock)
    async with open_with(clients, "http") as (client, serving), leaving(clients):
        await clock.advance(DELAY + 3)
        assert client.body == b"".join(halves[:5])
        assert not client.sent[-1]["more_body"]
        assert serving.done()
        assert serving.exception() is None


async def test_any_other_response_is_sent_to_its_end(clock: FakeClock) -> None:
    chunks = [b"data: %d\n\n" % number for number in range(10)]
    clients = Connections(streaming(clock, chunks, []), clock)
    async with open_with(clients, "http") as (client, serving), leaving(clients):
        await clock.advance(20)
        assert client.body == b"".join(chunks)
        assert not serving.done()


async def test_a_failure_of_the_application_is_the_servers_to_see(clock: FakeClock) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        raise LookupError("no such page")

    clients = Connections(failing, clock)
    async with leaving(clients):
        await clock.advance(DELAY + 1)
        with pytest.raises(LookupError):
            await asked(clients)


async def test_a_client_that_reads_nothing_does_not_hold_up_the_end(clock: FakeClock) -> None:
    clients = Connections(echo, clock)
    async with open_with(clients, "websocket") as (client, _), leaving(clients) as left:
        client.reads.clear()
        await clock.advance(DELAY + 0.1)
        assert left.done()
        assert client.sent[-1]["type"] == "websocket.accept"


class Held(FakeClock):
    """A clock whose first sleep takes much longer, as when somebody keeps the interpreter."""

    def __init__(self, held: float) -> None:
        super().__init__()
        self._held = held

    async def sleep(self, seconds: float) -> None:
        held, self._held = self._held, 0.0
        await super().sleep(seconds + held)


async def test_time_in_which_the_interpreter_was_kept_tells_nobody_and_does_not_count() -> None:
    clock = Held(20.0)
    clients = Connections(answer, clock)
    async with leaving(clients) as left:
        await clock.advance(20 + DELAY - 0.2)
        assert not left.done()
        await clock.advance(0.3)
        assert left.done()
