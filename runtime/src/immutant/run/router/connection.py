"""One client's connection: its requests, one after the other.

Belongs here: the choice of a replica for each request, asking another one when the first fails, and
what the client is told when there is none.
"""

import asyncio
from contextlib import suppress

import h11

from immutant.run.router.headers import cookie_for, to_backend, upgrade, wanted_replica
from immutant.run.router.peer import Peer, PeerGoneError
from immutant.run.router.pool import Pool, WebBackend
from immutant.run.router.relay import ReplicaLostError, Reply, Request, relay

__all__ = ["Connection"]

_IDLE = 75.0
"""Seconds a client may take for its next request's header."""
_ATTEMPTS = 3
_LINGER = 1.0
"""Seconds to let a client finish sending what nobody reads: closing at once could cost it the
answer."""


class Connection:
    """Serves one client.

    Attributes:
        idle: Whether it waits for a request.
        closing: Set to end the connection after the request at hand.
    """

    def __init__(self, client: Peer, pool: Pool, patience: float) -> None:
        self.idle = True
        self.closing = False
        self._client = client
        self._pool = pool
        self._patience = patience

    async def run(self) -> None:
        """Serve requests until either side closes."""
        client = self._client
        try:
            while (request := await self._next_request()) and await self._serve(request):
                client.http.start_next_cycle()
                self.idle = True
            await _linger(client)
        except PeerGoneError:
            client.abort()
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint, f"this is no valid HTTP request: {error}")
        finally:
            client.close()

    async def _next_request(self) -> h11.Request | None:
        try:
            async with asyncio.timeout(_IDLE):
                event = await self._client.next_event()
        except TimeoutError:
            return None
        self.idle = False
        return event if isinstance(event, h11.Request) else None

    async def _serve(self, received: h11.Request) -> bool:
        """Answer the request; whether the connection can go on."""
        if received.method == b"CONNECT":
            await self._refuse(501, "CONNECT is for proxies; this is the application's web port")
        else:
            await self._ask_replicas(received)
        states = self._client.http.states
        return not self.closing and all(state is h11.DONE for state in states.values())

    async def _ask_replicas(self, received: h11.Request) -> None:
        headers = list(received.headers)
        wanted = wanted_replica(headers)
        address = self._client.writer.get_extra_info("peername")[0]
        request = Request(received, to_backend(headers, address, upgrade(headers)))
        for attempt in range(_ATTEMPTS):
            backend = await self._pool.pick(wanted, self._patience)
            if backend is None:
                await self._refuse(503, _why(self._pool))
                return
            cookie = b"" if backend.name == wanted else cookie_for(backend.name)
            try:
                await relay(self._client, request, backend, Reply(cookie, self.closing))
            except ReplicaLostError as error:
                self._pool.suspect(backend)
                # Once is enough for a request that may be what kills those who get it.
                if not error.repeatable or (error.asked and attempt > 0):
                    await self._refuse(502, _lost(backend))
                    return
            else:
                return
        await self._refuse(502, "several replicas failed to answer; see the log for the reason")

    async def _refuse(self, status: int, sentence: str) -> None:
        """Answer in the router's own name, if an answer can still begin."""
        if self._client.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self._client.abort()
            return
        body = f"{sentence}\n".encode()
        headers = [
            ("content-type", "text/plain; charset=utf-8"),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
        ]
        with suppress(PeerGoneError):
            await self._client.send(
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            )


def _why(pool: Pool) -> str:
    states = "; ".join(f"{backend.name}: {backend.complaint}" for backend in pool.backends)
    return (
        f"no replica can answer now ({states or 'there is none'}); "
        "see the log of `immutant run`, and `immutant gears` in another terminal"
    )


def _lost(backend: WebBackend) -> str:
    return (
        f"{backend.name} closed the connection before it answered; see its lines in the log. "
        "It may have acted on the request, so no other replica is asked"
    )


async def _linger(client: Peer) -> None:
    if client.http.their_state is not h11.SEND_BODY or not client.writer.can_write_eof():
        return
    with suppress(OSError):  # TimeoutError is one
        client.writer.write_eof()
        async with asyncio.timeout(_LINGER):
            while await client.reader.read(64 * 1024):
                pass
