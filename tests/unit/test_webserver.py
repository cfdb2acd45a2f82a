"""The web server: what becomes of the connections that it is given."""

import asyncio
import gc
import socket
import struct
import weakref
from collections.abc import AsyncIterator
from typing import Any

import pytest

from immutant.contract.environment import Address
from immutant.webserver import WebServer

GET = b"GET / HTTP/1.1\r\nhost: demo\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
async def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
async def server(port: int) -> AsyncIterator[WebServer]:
    async with WebServer(hello, Address(host="127.0.0.1", port=port)) as served:
        yield served


async def asked(port: int) -> asyncio.StreamWriter:
    """A connection on which a request has been answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET)
    await reader.readuntil(b"hello")
    return writer


async def test_nothing_is_kept_of_a_connection_that_was_reset(server: WebServer, port: int) -> None:
    writer = await asked(port)
    (connection,) = map(weakref.ref, server._server.server_state.connections)
    linger = struct.pack("ii", 1, 0)  # close() sends a reset
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()
    another = await asked(port)  # the server has heard of the reset before
    gc.collect()
    assert connection() is None
    another.close()


async def test_a_connection_that_waits_for_its_next_request_is_not_closed_first(
    server: WebServer, port: int
) -> None:
    writer = await asked(port)
    (connection,) = server._server.server_state.connections
    timer = connection.timeout_keep_alive_task  # type: ignore[union-attr]
    assert timer is not None
    assert timer.when() - asyncio.get_running_loop().time() > 3600  # Envoy's idle_timeout
    writer.close()
