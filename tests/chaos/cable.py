"""The cable between one pod and the API server: a relay of bytes that can be cut and healed.

Belongs here: connections and what becomes of their bytes. Not here: when that happens (`faults`).

What a real network does to a cut-off pod: nothing arrives, nothing is refused, no connection ends.
What lay on the wire comes late or never.
"""

import asyncio
import contextlib
import enum
import threading
from collections.abc import Coroutine
from typing import Any

__all__ = ["Cable", "Cut"]

_CHUNK = 65536


class Cut(enum.Enum):
    """What a cut does to the bytes of its time."""

    LATE = enum.auto()
    """They wait, and arrive when it is healed: a request is carried out late."""

    LOST = enum.auto()
    """They are gone, and so are the connections once it is healed."""

    DEAF = enum.auto()
    """Requests arrive and are carried out; their answers come when it is healed."""

    FORGOTTEN = enum.auto()
    """The connections that are open carry nothing any more, healed or not; new ones work: a
    firewall that was started again."""


class _Gates:
    """What bytes have to pass, up to the API server and down to the pod."""

    def __init__(self) -> None:
        self.up, self.down = asyncio.Event(), asyncio.Event()
        self.open()

    def open(self) -> None:
        self.up.set()
        self.down.set()

    def close(self, kind: Cut) -> None:
        self.down.clear()
        if kind is not Cut.DEAF:
            self.up.clear()


class Cable:
    """One relay on loopback, on an event loop of its own thread.

    Attributes:
        port: Where the pod finds the API server.
    """

    def __init__(self, port: int, to: int) -> None:
        self.port = port
        self._to = to
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._lost = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._call(self._open())

    def cut(self, kind: Cut) -> None:
        """From now on nothing passes that this kind of cut holds."""
        self._call(self._cut(kind))

    def heal(self) -> None:
        """From now on everything passes, and what waited first."""
        self._call(self._heal())

    def close(self) -> None:
        """End all connections and the thread."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self) -> None:
        self._gates = _Gates()
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)

    async def _cut(self, kind: Cut) -> None:
        self._gates.close(kind)
        self._lost = kind is Cut.LOST
        if kind is Cut.FORGOTTEN:
            self._gates = _Gates()

    async def _heal(self) -> None:
        if self._lost:
            for writer in self._writers:
                writer.transport.abort()
        self._lost = False
        self._gates.open()

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, pod: asyncio.StreamReader, to_pod: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(to_pod)
        gates = self._gates
        try:
            await gates.up.wait()
            with contextlib.suppress(OSError):  # the API server is away: the pod sees an end
                server, to_server = await asyncio.open_connection("127.0.0.1", self._to)
                self._writers.add(to_server)
                await self._both(gates, pod, to_server, server, to_pod)
        finally:
            self._tasks.discard(task)
            self._writers.discard(to_pod)
            to_pod.close()

    async def _both(
        self,
        gates: _Gates,
        pod: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_pod: asyncio.StreamWriter,
    ) -> None:
        """Relay both ways until either side has ended and the other one has heard of it."""
        ways = [
            asyncio.create_task(_pump(pod, to_server, gates.up)),
            asyncio.create_task(_pump(server, to_pod, gates.down)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(to_server)
            to_server.close()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
) -> None:
    with contextlib.suppress(OSError):
        while True:
            data = await reader.read(_CHUNK)
            await gate.wait()
            if not data:
                return
            writer.write(data)
            await writer.drain()
