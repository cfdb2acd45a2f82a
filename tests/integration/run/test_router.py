import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from tests.integration.run.backends import Server, close_at_once

from immutant.run.listener import listen, url
from immutant.run.router.pool import Pool, WebBackend
from immutant.run.router.server import Router


class Front:
    """A router before two servers."""

    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        self.pool = Pool()
        self.router = Router(self.pool, patience=5)
        self.backends = [WebBackend(server.name, server.socket) for server in servers]
        self.url = ""

    def backend(self, server: Server) -> WebBackend:
        return self.backends[self.servers.index(server)]

    async def all_up(self) -> None:
        for backend in self.backends:
            assert await self.pool.settled(backend, 10)

    async def asked(self) -> None:
        """Return once a request has reached any of the servers."""
        waits = [asyncio.create_task(server.asked.wait()) for server in self.servers]
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()

    async def down(self, server: Server) -> None:
        async with asyncio.timeout(20):
            while self.backend(server).up:
                await self.pool.changed()


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    servers = [Server(f"demo-{number}", tmp_path / str(number)) for number in range(2)]
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server.listening())
        front = Front(servers)
        listener = stack.enter_context(listen("127.0.0.1", 0))
        front.url = url(listener)
        for backend in front.backends:
            front.router.add(backend)
        stack.push_async_callback(front.router.close)
        await front.router.start(listener)
        await front.all_up()
        yield front


@pytest.fixture
async def client(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=front.url, timeout=20) as client:
        yield client


async def curl(front: Front) -> str:
    """One request without cookies; who answered."""
    async with httpx.AsyncClient() as once:
        return (await once.get(front.url)).text


async def connect(front: Front) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = front.url.removeprefix("http://").split(":")
    return await asyncio.open_connection(host, int(port))


async def test_curl_goes_round_robin(front: Front) -> None:
    names = [await curl(front) for _ in range(6)]
    assert Counter(names) == {"demo-0": 3, "demo-1": 3}


async def test_a_browser_stays_where_it_is_and_is_told_once(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/") for _ in range(4)]
    assert len({answer.text for answer in answers}) == 1
    assert ["set-cookie" in answer.headers for answer in answers] == [True, False, False, False]


async def test_a_browser_moves_when_its_replica_is_taken_out(
    front: Front, client: httpx.AsyncClient
) -> None:
    first = (await client.get("/")).text
    home = next(backend for backend in front.backends if backend.name == first)
    front.pool.take_out(home, "it was stopped")
    moved = await client.get("/")
    assert moved.text != first
    assert moved.text in moved.headers["set-cookie"]


async def test_a_replica_that_refuses_connections_costs_no_request(front: Front) -> None:
    front.servers[0].socket.unlink()
    assert {await curl(front) for _ in range(4)} == {"demo-1"}


async def test_a_replica_that_dies_before_it_answers_costs_no_get(front: Front) -> None:
    front.servers[0].behaviour = close_at_once
    assert {await curl(front) for _ in range(4)} == {"demo-1"}
    assert front.servers[0].requests


async def test_a_post_that_may_have_been_carried_out_is_not_repeated(
    front: Front, client: httpx.AsyncClient
) -> None:
    for server in front.servers:
        server.behaviour = close_at_once
    answer = await client.post("/", content=b"order")
    assert answer.status_code == 502
    assert "may have acted on the request" in answer.text
    assert sum(len(server.requests) for server in front.servers) == 1


async def test_a_get_that_kills_who_gets_it_kills_no_more_than_two(
    front: Front, client: httpx.AsyncClient
) -> None:
    for server in front.servers:
        server.behaviour = close_at_once
    assert (await client.get("/")).status_code == 502
    assert sum(len(server.requests) for server in front.servers) == 2


async def test_without_any_replica_the_client_is_told_where_to_look(
    front: Front, client: httpx.AsyncClient
) -> None:
    for backend in front.backends:
        front.pool.take_out(backend, "it was stopped")
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "demo-0: it was stopped" in answer.text
    assert "immutant gears" in answer.text


async def test_a_response_that_breaks_off_is_seen_as_broken(
    front: Front, client: httpx.AsyncClient
) -> None:
    async def half(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")

    for server in front.servers:
        server.behaviour = half
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get("/")


async def test_events_arrive_as_they_are_sent(front: Front, client: httpx.AsyncClient) -> None:
    more = asyncio.Event()

    async def events(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        await more.wait()
        writer.write(b"data: 2\n\n")

    for server in front.servers:
        server.behaviour = events
    async with client.stream("GET", "/") as answer:
        parts = answer.aiter_bytes()
        assert await anext(parts) == b"data: 1\n\n"
        more.set()
        assert await anext(parts) == b"data: 2\n\n"


async def test_a_client_that_leaves_is_noticed_by_the_replica(front: Front) -> None:
    left = asyncio.Event()

    async def wait_for_the_end(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read()
        left.set()

    for server in front.servers:
        server.behaviour = wait_for_the_end
    _, writer = await connect(front)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(10):
        await front.asked()
        writer.close()
        await left.wait()


async def test_a_large_body_passes_both_ways_in_pieces(
    front: Front, client: httpx.AsyncClient
) -> None:
    async def echo(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while (size := int(await reader.readline(), 16)) > 0:
            data = await reader.readexactly(size + 2)
            writer.write(b"%x\r\n%s" % (size, data))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(200):
            yield b"%06d" % number * 1000

    for server in front.servers:
        server.behaviour = echo
    answer = await client.post("/", content=pieces())
    assert answer.content == b"".join([piece async for piece in pieces()])


async def test_a_refusal_before_the_end_of_the_body_reaches_the_client(front: Front) -> None:
    async def too_large(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")

    for server in front.servers:
        server.behaviour = too_large
    reader, writer = await connect(front)
    writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nfirst part")
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_requests_on_one_connection_are_answered_in_order(front: Front) -> None:
    reader, writer = await connect(front)
    writer.write(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n")
    for _ in range(2):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert (await reader.readexactly(6)).startswith(b"demo-")
    writer.close()


async def test_what_is_no_http_is_refused(front: Front) -> None:
    reader, writer = await connect(front)
    writer.write(b"hello\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 400")
    writer.close()


async def test_an_old_client_is_served(front: Front) -> None:
    reader, writer = await connect(front)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith((b"demo-0", b"demo-1"))
    writer.close()


async def test_a_switched_connection_carries_whatever_it_likes(front: Front) -> None:
    async def switch(
        head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        assert b"upgrade: any" in head
        writer.write(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: any\r\n\r\nfirst")
        while data := await reader.read(100):
            writer.write(data.upper())

    for server in front.servers:
        server.behaviour = switch
    reader, writer = await connect(front)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: any\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    assert await reader.readexactly(5) == b"first"
    writer.write(b"\x00raw")
    assert await reader.readexactly(4) == b"\x00RAW"
    writer.close()


async def test_a_check_that_is_answered_with_an_error_takes_the_replica_out(front: Front) -> None:
    front.servers[0].health = b"503 Service Unavailable"
    await front.down(front.servers[0])
    assert "503" in front.backend(front.servers[0]).complaint
    assert {await curl(front) for _ in range(3)} == {"demo-1"}


async def test_checks_come_every_two_seconds(front: Front) -> None:
    times = [await front.servers[0].checks.get() for _ in range(3)]
    assert all(1.9 < later - earlier < 4 for earlier, later in pairwise(times))


async def test_work_in_hand_is_finished_while_nothing_new_is_taken(front: Front) -> None:
    finish = asyncio.Event()

    async def slow(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await finish.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone")

    for server in front.servers:
        server.behaviour = slow
    idle, idle_writer = await connect(front)
    busy, writer = await connect(front)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(10):
        await front.asked()
        front.router.finish()
        assert await idle.read() == b""
        finish.set()
        assert (await busy.read()).endswith(b"done")
    with pytest.raises(OSError):
        await connect(front)
    idle_writer.close()
    writer.close()
