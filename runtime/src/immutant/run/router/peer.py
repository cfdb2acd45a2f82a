"""One end of an HTTP/1.1 conversation.

Belongs here: the joint between h11, which knows the protocol, and a stream, which knows the bytes.
"""

import asyncio
from typing import cast

import h11

__all__ = ["Peer", "PeerGoneError", "has_body"]

_CHUNK = 64 * 1024
_LONGEST_HEADER = 64 * 1024

Received = h11.Event | type[h11.PAUSED]


class PeerGoneError(Exception):
    """The other end has closed or reset the connection."""


class Peer:
    """A stream with an h11 state machine.

    Attributes:
        reader: The stream's reading end.
        writer: The stream's writing end.
    """

    def __init__(
        self,
        role: type[h11.CLIENT] | type[h11.SERVER],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.http = h11.Connection(role, max_incomplete_event_size=_LONGEST_HEADER)
        self.received = 0

    async def next_event(self) -> Received:
        """The next event from the other end.

        Raises:
            h11.RemoteProtocolError: The other end does not speak HTTP.
            PeerGoneError: The connection broke.
        """
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self._read())
        return cast("Received", event)

    async def send(self, *events: h11.Event) -> None:
        """Send the events in one go, waiting while the other end is slow.

        Raises:
            PeerGoneError: The connection broke.
        """
        try:
            self.writer.write(b"".join(self.http.send(event) or b"" for event in events))
            await self.writer.drain()
        except OSError as error:
            raise PeerGoneError from error

    async def gone(self) -> None:
        """Return once the other end has closed; what it sends before is kept for later."""
        while data := await self._read():
            self.http.receive_data(data)
            if len(self.http.trailing_data[0]) > _CHUNK:  # pipelined requests: wait for their turn
                await asyncio.get_running_loop().create_future()

    def close(self) -> None:
        """Close after what was sent has left."""
        self.writer.close()

    def abort(self) -> None:
        """Close at once, so that the other end sees that the message is incomplete."""
        self.writer.transport.abort()

    async def _read(self) -> bytes:
        try:
            data = await self.reader.read(_CHUNK)
        except OSError as error:
            raise PeerGoneError from error
        self.received += len(data)
        return data


def has_body(request: h11.Request) -> bool:
    """Whether a body follows the request's header."""
    fields = dict(request.headers)
    return b"transfer-encoding" in fields or fields.get(b"content-length", b"0") != b"0"
