"""Replicas' web servers for the router's tests: each does with a connection what it is told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

Behaviour = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What to do once the header of a request has arrived."""


class Server:
    """A web server on a Unix socket; health checks are answered by its `health`."""

    def __init__(self, name: str, socket: Path) -> None:
        self.name = name
        self.socket = socket
        self.health = b"200 OK"
        self.checks: asyncio.Queue[float] = asyncio.Queue()
        self.requests: list[bytes] = []
        self.asked = asyncio.Event()
        self.behaviour: Behaviour = self.tell_name

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve while the context is open."""
        server = await asyncio.start_unix_server(self._accept, self.socket)
        try:
            yield
        finally:
            server.close()
            self.socket.unlink(missing_ok=True)

    async def tell_name(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer with the server's name."""
        name = self.name.encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(name), name))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"x-immutant-check: 1" in head:
                self.checks.put_nowait(asyncio.get_running_loop().time())
                writer.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\n\r\n" % self.health)
            else:
                self.requests.append(head)
                self.asked.set()
                await self.behaviour(head, reader, writer)
            await writer.drain()
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


async def close_at_once(
    head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Close without a byte of an answer, as a process that dies does."""
    writer.transport.abort()
