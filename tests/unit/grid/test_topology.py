"""Which partitions the member beside a replica keeps."""

import asyncio
import json

import pytest

from immutant.contract.environment import Address
from immutant.errors import StoreError
from immutant.grid.topology import Topology, parse
from immutant.testing import FakeClock

ANSWER = {"self": "b:1", "members": ["a:1", "b:1"], "replicas": [[0, 1], [1], [0], []]}


def test_owned_and_backed_up_partitions_are_kept() -> None:
    assert parse(json.dumps(ANSWER).encode()) == {0, 1}


async def test_the_member_is_asked_again_after_a_second() -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        request = await reader.readuntil(b"\r\n\r\n")
        assert request.startswith(b"GET /v1/partitions HTTP/1.0\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(ANSWER).encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        clock = FakeClock()
        port = server.sockets[0].getsockname()[1]
        topology = Topology(Address(host="127.0.0.1", port=port), clock)
        for _ in range(3):
            assert await topology.kept() == {0, 1}
        assert asked == 1
        await clock.advance(1.0)
        await topology.kept()
        assert asked == 2


@pytest.mark.parametrize(
    "text", [b"", b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n{}", b"nonsense"]
)
async def test_a_member_that_does_not_answer_properly_is_named(text: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        topology = Topology(Address(host="127.0.0.1", port=port), FakeClock())
        with pytest.raises(StoreError, match=f"127.0.0.1:{port}"):
            await topology.kept()
