"""The client against servers that misbehave; how a good one answers, tests/integration shows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from kubernetes.aio.client.configuration import Configuration

from immutant.clock import SystemClock
from immutant.errors import StoreError
from immutant.kube.client import KubeClient

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"


class Misbehaving:
    """A server that does whatever the test says, and a client of it."""

    def __init__(self) -> None:
        self.requests = 0
        self.observed: list[tuple[str, str]] = []
        self.over = asyncio.Event()
        self.handler: Handler = self.silence

    async def silence(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.over.wait()

    def saying(self, answer: bytes) -> None:
        async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)

        self.handler = say

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.requests += 1
        await self.handler(reader, writer)
        writer.close()
        await writer.wait_closed()

    def observe(self, verb: str, code: str, _seconds: float) -> None:
        self.observed.append((verb, code))


@pytest.fixture
async def misbehaving() -> AsyncIterator[tuple[Misbehaving, KubeClient]]:
    there = Misbehaving()
    server = await asyncio.start_server(there.serve, "127.0.0.1", 0)
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = KubeClient(configuration, SystemClock(), there.observe)
    yield there, client
    await client.close()
    there.over.set()
    server.close()


async def test_an_answer_that_does_not_come_is_given_up_in_time(
    misbehaving: tuple[Misbehaving, KubeClient],
) -> None:
    there, client = misbehaving
    async with asyncio.timeout(2):
        with pytest.raises(StoreError, match="did not answer to get in time"):
            await client.call("get", "/x", timeout=0.1)
        with pytest.raises(StoreError, match="did not answer to watch in time"):
            async with client.stream("/x", {}, opening=0.1, silence=60):
                pass
    assert there.observed == [("get", "failed"), ("watch", "failed")]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (OK + b"Content-Length: 1\r\n\r\n{", "no JSON"),
        (OK + b"Content-Length: 2\r\n\r\n[]", "no object"),
        (OK + b"Content-Length: 9\r\n\r\n{", "cannot be reached"),
        (b"nonsense\r\n\r\n", "cannot be reached"),
        (b"", "cannot be reached"),
    ],
)
async def test_what_is_no_answer_is_an_error(
    misbehaving: tuple[Misbehaving, KubeClient], answer: bytes, said: str
) -> None:
    there, client = misbehaving
    there.saying(answer)
    with pytest.raises(StoreError, match=said):
        await client.call("update", "/x", timeout=2)


async def test_a_server_in_trouble_is_asked_once(
    misbehaving: tuple[Misbehaving, KubeClient],
) -> None:
    there, client = misbehaving
    there.saying(OK.replace(b"200 OK", b"503 Busy") + b"Content-Length: 2\r\n\r\n{}")
    answer = await client.call("get", "/x", timeout=2)
    assert answer.status == 503
    assert there.requests == 1
    assert there.observed == [("get", "503")]


async def test_a_watch_that_falls_silent_ends(
    misbehaving: tuple[Misbehaving, KubeClient],
) -> None:
    there, client = misbehaving

    async def begin(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n")
        await there.over.wait()

    there.handler = begin
    read = []
    with pytest.raises(StoreError, match="did not answer to watch in time"):  # noqa: PT012
        async with client.stream("/x", {}, opening=2, silence=0.1) as lines:
            while True:
                read.append(await lines.readline())
    assert read == [b"{}\n"]
    assert there.observed == [("watch", "200")]
