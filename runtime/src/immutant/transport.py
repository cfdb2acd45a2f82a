"""HTTP to a neighbour on this machine: a request, or a stream of JSON lines.

Belongs here: connecting, framing (h11), timeouts. Not here: what the lines mean.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11

from immutant.contract.environment import Address
from immutant.errors import CoordinatorError, RequestRefusedError

__all__ = ["request", "stream"]

_CONNECT_TIMEOUT = 2.0
_UNPROCESSABLE = 422
_CHUNK = 65536


async def request(
    address: Address, method: str, path: str, body: object = None, *, timeout: float = 5.0
) -> Any:  # noqa: ANN401 - whatever JSON the other side sends
    """Send one request and return its JSON answer, None when the answer is empty.

    Raises:
        CoordinatorError: Nobody answers within `timeout` seconds, or the answer is an error.
    """
    try:
        async with asyncio.timeout(timeout):
            async with _exchange(address, method, path, body) as exchange:
                parts = [part async for part in exchange.parts()]
    except TimeoutError as error:
        raise CoordinatorError(f"{address} did not answer within {timeout:g} s") from error
    answer = b"".join(parts)
    return _parsed(answer) if answer else None


@asynccontextmanager
async def stream(
    address: Address, method: str, path: str, body: object = None
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Open a stream of JSON lines; it ends when the other side closes it or dies.

    Raises:
        CoordinatorError: Nobody answers, or the answer is an error.
    """
    async with _exchange(address, method, path, body) as exchange:
        yield _lines(exchange.parts())


async def _lines(parts: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    rest = b""
    async for part in parts:
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            if line:
                yield _parsed(line)


def _parsed(text: bytes) -> Any:  # noqa: ANN401 - whatever JSON the other side sends
    try:
        return json.loads(text)
    except ValueError as error:
        raise CoordinatorError(f"the answer is no JSON: {text[:80]!r}") from error


class _Exchange:
    """One request's answer on its own connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)

    def send(self, method: str, path: str, body: object) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        headers = [("host", "localhost"), ("connection", "close")]
        headers += [("content-type", "application/json"), ("content-length", str(len(content)))]
        parts: list[h11.Event] = [h11.Request(method=method, target=path, headers=headers)]
        parts += [h11.Data(content), h11.EndOfMessage()]
        self._writer.write(b"".join(self._http.send(part) or b"" for part in parts))

    async def status(self) -> int:
        event = await self._next()
        if not isinstance(event, h11.Response):
            raise CoordinatorError("the connection closed before an answer came")
        return event.status_code

    async def parts(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    async def _next(self) -> object:
        """The next event of h11."""
        try:
            while True:
                event = self._http.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self._http.receive_data(await self._reader.read(_CHUNK))
        except (h11.RemoteProtocolError, OSError) as error:
            raise CoordinatorError(f"the connection broke: {error}") from error


@asynccontextmanager
async def _exchange(
    address: Address, method: str, path: str, body: object
) -> AsyncIterator[_Exchange]:
    reader, writer = await _connect(address)
    try:
        exchange = _Exchange(reader, writer)
        exchange.send(method, path, body)
        status = await exchange.status()
        if status >= 400:
            said = b"".join([part async for part in exchange.parts()])
            kind = RequestRefusedError if status == _UNPROCESSABLE else CoordinatorError
            raise kind(f"{method} {path} was answered {status}: {said.decode(errors='replace')}")
        yield exchange
    finally:
        # A process that user code forked may hold this socket too: closing alone would not end it.
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        writer.close()


async def _connect(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            if address.path:
                return await asyncio.open_unix_connection(address.path)
            return await asyncio.open_connection(address.host, address.port)
    except (OSError, TimeoutError) as error:
        raise CoordinatorError(f"nobody answers at {address}: {error}") from error
