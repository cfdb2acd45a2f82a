"""The replicas as the router sees them, and which of them is next.

Belongs here: who is up, in rotation, chosen. No I/O.
"""

import asyncio
from collections import deque
from contextlib import suppress
from pathlib import Path

__all__ = ["Pool", "WebBackend"]


class WebBackend:
    """One replica's web server.

    Attributes:
        socket: Where it listens.
        up: Whether its last health check, or the last connection to it, went well.
        admitted: Whether it is in rotation; the launcher takes it out before it stops it.
        expected: Whether it is coming, so that a request may wait for it.
        complaint: Why it gets no requests, for users.
        suspected: Set when a connection failed, so that the checks look again at once.
    """

    def __init__(self, name: str, socket: Path) -> None:
        self.name = name
        self.socket = socket
        self.up = False
        self.admitted = True
        self.expected = True
        self.complaint = "it has not answered GET / yet"
        self.suspected = asyncio.Event()


class Pool:
    """The backends in the order in which they are served.

    Attributes:
        was_up: Whether any backend has ever been up.
    """

    def __init__(self) -> None:
        self.was_up = False
        self._order: deque[WebBackend] = deque()
        self._changed = asyncio.Event()

    @property
    def backends(self) -> list[WebBackend]:
        """All backends, by name."""
        return sorted(self._order, key=lambda backend: (len(backend.name), backend.name))

    def add(self, backend: WebBackend) -> None:
        """Put a backend in rotation, not up yet."""
        self._order.append(backend)

    def remove(self, backend: WebBackend) -> None:
        """Forget a backend."""
        self._order.remove(backend)
        self._wake()

    def admit(self, backend: WebBackend) -> None:
        """Put a backend back in rotation; it is up when its next check says so."""
        backend.up, backend.admitted, backend.expected = False, True, True
        backend.suspected.set()

    def take_out(self, backend: WebBackend, complaint: str, *, expected: bool = False) -> None:
        """No new requests for this backend; `expected` when it will be admitted again soon."""
        backend.up, backend.admitted, backend.expected = False, False, expected
        backend.complaint = complaint
        self._wake()

    def mark(self, backend: WebBackend, *, up: bool, complaint: str = "") -> None:
        """Note how a health check went; too late when the backend was taken out meanwhile."""
        if backend.admitted:
            backend.up, backend.complaint = up, complaint
            self.was_up = self.was_up or up
            self._wake()

    def suspect(self, backend: WebBackend) -> None:
        """A connection to this backend failed: no more requests until a check went well."""
        self.mark(backend, up=False, complaint="it refuses connections")
        backend.suspected.set()

    async def settled(self, backend: WebBackend, patience: float) -> bool:
        """Wait until the backend is up, or not expected any more; whether it is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while backend.expected and not backend.up:
                    await self.changed()
        return backend.up

    async def pick(self, wanted: str, patience: float) -> WebBackend | None:
        """The backend for the next request, waiting for one that is coming.

        Args:
            wanted: The replica that the client is bound to; it is taken when it is up.
            patience: Seconds to wait when none is up.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while (backend := self._choose(wanted)) is None and self._one_is_coming():
                    await self.changed()
                return backend
        return None

    def _choose(self, wanted: str) -> WebBackend | None:
        up = [backend for backend in self._order if backend.up]
        for backend in up:
            if backend.name == wanted:
                return backend
        if not up:
            return None
        self._order.remove(up[0])
        self._order.append(up[0])
        return up[0]

    def _one_is_coming(self) -> bool:
        return any(backend.expected for backend in self._order)

    def _wake(self) -> None:
        self._changed.set()

    async def changed(self) -> None:
        """Return at the next change of any backend."""
        self._changed.clear()
        await self._changed.wait()
