"""Health checks: `GET /` on every replica, every two seconds.

Belongs here: when to ask and what an answer means. While nothing listens yet the socket is tried
ten times a second, so that a replica serves as soon as it can.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h11

from immutant.health import CHECK_HEADER
from immutant.run.router.peer import Peer, PeerGoneError
from immutant.run.router.pool import Pool, WebBackend

__all__ = ["PERIOD", "Checks"]

PERIOD = 2.0
"""Seconds between two checks of a replica that answers."""
_PROBE_PERIOD = 0.1
_TIMEOUT = 2.0

_CHECK = h11.Request(
    method="GET",
    target="/",
    headers=[
        ("host", "localhost"),
        ("user-agent", "immutant-router"),
        (CHECK_HEADER, "1"),
        ("connection", "close"),
    ],
)


class Checks:
    """Checks each backend from its own task."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tasks: dict[WebBackend, asyncio.Task[None]] = {}

    def watch(self, backend: WebBackend) -> None:
        """Begin to check the backend."""
        self._tasks[backend] = asyncio.create_task(self._check_always(backend))

    def forget(self, backend: WebBackend) -> None:
        """Check it no more."""
        self._tasks.pop(backend).cancel()

    def close(self) -> None:
        """Check none any more."""
        for backend in list(self._tasks):
            self.forget(backend)

    async def _check_always(self, backend: WebBackend) -> None:
        silences = 0
        while True:
            backend.suspected.clear()
            found = await _look(backend.socket)
            silences = silences + 1 if found.silent else 0
            if silences != 1:  # one alone may be a busy moment
                self._pool.mark(backend, up=not found.complaint, complaint=found.complaint)
            await _sleep(found.pause, backend.suspected)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What a check found, and how many seconds to wait for the next one."""

    complaint: str
    pause: float
    silent: bool = False


async def _look(socket: Path) -> _Finding:
    try:
        async with asyncio.timeout(_TIMEOUT):
            status = await _ask(socket)
    except TimeoutError:
        return _Finding(f"GET / was not answered within {_TIMEOUT:g} s", _PROBE_PERIOD, silent=True)
    except (OSError, PeerGoneError, h11.RemoteProtocolError):
        return _Finding("it does not listen yet", _PROBE_PERIOD)
    if 200 <= status < 400:
        return _Finding("", PERIOD)
    return _Finding(f"GET / was answered with {status}, not with 2xx or 3xx", PERIOD)


async def _ask(socket: Path) -> int:
    """The status with which the replica answers."""
    replica = Peer(h11.CLIENT, *await asyncio.open_unix_connection(socket))
    try:
        await replica.send(_CHECK, h11.EndOfMessage())
        while not isinstance(event := await replica.next_event(), h11.Response):
            if isinstance(event, h11.ConnectionClosed):
                raise PeerGoneError
        return event.status_code
    finally:
        replica.close()


async def _sleep(seconds: float, wake: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wake.wait()
