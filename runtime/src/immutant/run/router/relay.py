"""Relaying one request to one replica, and its response back.

Belongs here: what passes while the connections hold, and what is raised when one breaks. Not here:
which replica, and what the client is told. Bodies are streamed both ways; nothing is stored.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import h11

from immutant.run.router.headers import to_client
from immutant.run.router.peer import Peer, PeerGoneError, has_body
from immutant.run.router.pool import WebBackend

__all__ = ["ReplicaLostError", "Reply", "Request", "relay"]

_CONNECT_TIMEOUT = 1.0
_CHUNK = 64 * 1024
_SWITCHING_PROTOCOLS = 101
_SAFE = frozenset((b"GET", b"HEAD", b"OPTIONS"))


class ReplicaLostError(Exception):
    """The replica could not be reached, or closed before its response began.

    Attributes:
        asked: Whether it may have seen the request.
        repeatable: Whether another replica may be asked: this one has not acted on the request, or
            the request is safe to repeat (RFC 9110, section 9.2.1).
    """

    def __init__(self, *, asked: bool, repeatable: bool) -> None:
        super().__init__()
        self.asked = asked
        self.repeatable = repeatable


class _ReplicaClosedError(Exception):
    """The connection to the replica broke, or it spoke no HTTP."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it goes to the replica, and how to answer it.

    Attributes:
        received: As the client sent it.
        headers: For the replica.
    """

    received: h11.Request
    headers: list[tuple[bytes, bytes]]

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent twice."""
        return self.received.method in _SAFE and not has_body(self.received)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the router adds to the response's header.

    Attributes:
        cookie: The Set-Cookie value; b"" when the client's affinity does not change.
        closing: Whether the connection to the client ends after this response.
    """

    cookie: bytes
    closing: bool


async def relay(client: Peer, request: Request, backend: WebBackend, reply: Reply) -> None:
    """Exchange request and response, or more once the protocol is switched.

    Raises:
        ReplicaLostError: There is no response.
        PeerGoneError: The client has gone, or the response was cut short.
    """
    replica = await _connect(backend)
    try:
        if await _exchange(client, request, replica, reply):
            await _pipe(client, replica)
    finally:
        replica.abort()


async def _connect(backend: WebBackend) -> Peer:
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT):
            return Peer(h11.CLIENT, *await asyncio.open_unix_connection(backend.socket))
    except OSError as error:
        raise ReplicaLostError(asked=False, repeatable=True) from error


async def _exchange(client: Peer, request: Request, replica: Peer, reply: Reply) -> bool:
    """Relay until the response is complete; True when the protocol was switched instead."""
    upload = asyncio.create_task(_upload(client, request, replica))
    download = asyncio.create_task(_download(client, request, replica, reply))
    try:
        await asyncio.wait([upload, download], return_when=asyncio.FIRST_COMPLETED)
        if not download.done():
            upload.result()  # it only ends by raising
        return download.result()
    finally:
        upload.cancel()
        download.cancel()
        await asyncio.gather(upload, download, return_exceptions=True)


async def _upload(client: Peer, request: Request, replica: Peer) -> None:
    """Send the request, then wait for the client to go.

    Raises:
        PeerGoneError: The client has gone.
    """
    with suppress(_ReplicaClosedError):  # it wants no more; the download reads what it answers
        await _send_request(client, request, replica)
    await client.gone()
    raise PeerGoneError


async def _send_request(client: Peer, request: Request, replica: Peer) -> None:
    received = request.received
    head = h11.Request(method=received.method, target=received.target, headers=request.headers)
    await _give(replica, head)
    while client.http.their_state is h11.SEND_BODY:  # not when it is sent for the second time
        event = await client.next_event()
        if isinstance(event, h11.Data):
            await _give(replica, h11.Data(data=event.data))
    await _give(replica, h11.EndOfMessage())


async def _download(client: Peer, request: Request, replica: Peer, reply: Reply) -> bool:
    try:
        event = await _take(replica)
    except _ReplicaClosedError as error:
        fresh = replica.received == 0
        raise ReplicaLostError(asked=True, repeatable=fresh and request.repeatable) from error
    try:
        return await _pass_on(client, event, replica, reply)
    except _ReplicaClosedError as error:
        raise PeerGoneError from error  # cut short, and the client must see that


async def _pass_on(client: Peer, event: h11.Event, replica: Peer, reply: Reply) -> bool:
    while isinstance(event, h11.InformationalResponse):
        await client.send(event)
        if event.status_code == _SWITCHING_PROTOCOLS:
            return True
        event = await _take(replica)
    while not isinstance(event, h11.EndOfMessage):
        await client.send(_answer(event, reply) if isinstance(event, h11.Response) else event)
        event = await _take(replica)
    await client.send(h11.EndOfMessage())
    return False


def _answer(response: h11.Response, reply: Reply) -> h11.Response:
    headers = to_client(list(response.headers), reply.cookie)
    if reply.closing:
        headers.append((b"connection", b"close"))
    return h11.Response(status_code=response.status_code, headers=headers, reason=response.reason)


async def _give(replica: Peer, event: h11.Event) -> None:
    try:
        await replica.send(event)
    except PeerGoneError as error:
        raise _ReplicaClosedError from error


async def _take(replica: Peer) -> h11.Event:
    try:
        event = await replica.next_event()
    except (PeerGoneError, h11.RemoteProtocolError) as error:
        raise _ReplicaClosedError from error
    if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
        raise _ReplicaClosedError
    return cast("h11.Event", event)


async def _pipe(client: Peer, replica: Peer) -> None:
    """Copy bytes both ways until either end closes."""
    copies = [
        asyncio.create_task(_copy(client, replica)),
        asyncio.create_task(_copy(replica, client)),
    ]
    try:
        await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for copy in copies:
            copy.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


async def _copy(source: Peer, sink: Peer) -> None:
    data = source.http.trailing_data[0]
    with suppress(OSError):
        while True:
            sink.writer.write(data)
            await sink.writer.drain()
            if not (data := await source.reader.read(_CHUNK)):
                return
