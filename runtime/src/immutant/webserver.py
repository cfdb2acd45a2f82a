"""Uvicorn inside a process that has other things to do.

Belongs here: starting it on an address, and ending it gracefully. Signals stay with the process.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

import uvicorn

from immutant.contract.environment import Address
from immutant.errors import ConfigurationError

__all__ = ["WebServer"]


_GRACE = 1

_KEEP_ALIVE = 3660
"""Seconds without a request after which a connection is closed. Longer than the proxies that keep
connections for their next request do, Envoy's hour included: were the server the first to close, a
request that is on its way would be lost. Uvicorn's own 5 s are shorter than any of theirs."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: the process around this server handles them."""
        yield


def _letting_go(protocol: Any) -> type[asyncio.Protocol]:  # noqa: ANN401 - uvicorn's, by what there is
    """Uvicorn's protocol, which a connection's end leaves nothing of.

    Uvicorn goes on to wait for the next request of a connection that was reset, as HAProxy resets
    each that it needs no more: with it, all of the connection is kept until that time is over.
    """

    class Protocol(protocol):  # type: ignore[misc]
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.timeout_keep_alive_task is not None:
                self.timeout_keep_alive_task.cancel()

    return Protocol


class WebServer:
    """An ASGI application served while the context is open."""

    def __init__(self, application: Any, address: Address, *, lifespan: bool = False) -> None:  # noqa: ANN401 - ASGI
        """Prepare a server.

        Args:
            application: What is served.
            address: Where; a socket file left by a dead process is replaced.
            lifespan: Whether the application is told of start and end.
        """
        self._address = address
        config = uvicorn.Config(
            application,
            interface="asgi3",
            lifespan="auto" if lifespan else "off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE,
        )
        config.load()
        config.http_protocol_class = _letting_go(config.http_protocol_class)
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    def allow(self, grace: float) -> None:
        """Let requests that are being answered when the context ends finish for so many seconds."""
        self._server.config.timeout_graceful_shutdown = max(_GRACE, math.ceil(grace))

    async def __aenter__(self) -> Self:
        listener = self._listen()
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        return self

    async def __aexit__(self, *details: object) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    def _listen(self) -> socket.socket:
        try:
            if self._address.path:
                path = Path(self._address.path)
                path.unlink(missing_ok=True)
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(str(path))
            else:
                listener = socket.create_server((self._address.host, self._address.port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {self._address}: {error}; choose another address or stop what "
                "listens there"
            ) from error
        listener.setblocking(False)
        return listener
