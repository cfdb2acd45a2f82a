"""The clients of a process that stops: served on, told, and let go (docs/decisions/0019).

Belongs here: what becomes of connections between SIGTERM and the end of the web server. Not here:
the health check's answer (`immutant.web.draining`), and the server itself (`immutant.webserver`).
"""

import asyncio
import contextlib
import math
from typing import Final

from immutant.clock import Clock
from immutant.serve.exchanges import Departure, Exchange, Request, WebSocket
from immutant.webside import Application, Receive, Scope, Send

__all__ = ["Connections"]

_STEP: Final = 0.1
"""Seconds; the delay is waited for in steps, see `Connections.leave`."""


class Connections:
    """An ASGI application around the application, which knows what is going on in it."""

    def __init__(self, application: Application, clock: Clock) -> None:
        """Wrap an application.

        Args:
            application: What answers.
            clock: The machine's clock, or a test's.
        """
        self._application = application
        self._clock = clock
        self._departure = Departure()
        self._exchanges: set[Exchange] = set()
        self._endings: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one exchange."""
        if scope["type"] == "http":
            await self._serve(scope, Request(self._departure, scope, receive, send))
        elif scope["type"] == "websocket":
            await self._serve(scope, WebSocket(self._departure, receive, send))
        else:
            await self._application(scope, receive, send)

    async def leave(self, delay: float) -> None:
        """Serve on for `delay` seconds, then end what would not end by itself.

        From now on each answer ends its connection, so that the client's next request goes
        elsewhere. WebSockets and event streams are ended after the delay only: their clients
        connect anew at once, and would come back here.

        The delay is for others to notice. Time in which this process could not have told them,
        because somebody kept the interpreter, does not count.
        """
        self._departure.is_announced = True
        for _ in range(math.ceil(delay / _STEP)):
            await self._clock.sleep(_STEP)
        self._departure.is_due = True
        # Not awaited: a client that reads nothing must not hold up the end.
        self._endings = [asyncio.create_task(_end(one)) for one in self._exchanges]

    async def _serve(self, scope: Scope, exchange: Exchange) -> None:
        self._exchanges.add(exchange)
        try:
            await self._application(scope, exchange.receive, exchange.send)
        except Exception:
            if not exchange.is_ended:  # else it follows from the end, and is nobody's failure
                raise
        finally:
            self._exchanges.discard(exchange)


async def _end(exchange: Exchange) -> None:
    with contextlib.suppress(Exception):  # the client has left meanwhile
        await exchange.end()
