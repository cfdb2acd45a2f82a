"""A cluster of one application in this process.

Belongs here: replicas on one store in memory, started and stopped as a test asks. Not here: what a
replica consists of (`immutant.testing.member`).
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from immutant.app import App
from immutant.clock import Clock
from immutant.durations import Duration
from immutant.embedded import EmbeddedBackend
from immutant.errors import ConfigurationError, NotRunningError
from immutant.testing.clock import FakeClock, settle
from immutant.testing.member import Member
from immutant.webside import Receive, Scope, Send

if TYPE_CHECKING:
    import httpx

__all__ = ["Cluster", "cluster"]

_GRACE = 10.0
_ROUNDS = 10_000
_STEP = 0.1


class Cluster:
    """Replicas of an application, named APP-0, APP-1 and so on."""

    def __init__(self, app: App, store: EmbeddedBackend, clock: Clock) -> None:
        """Use `immutant.testing.cluster`."""
        self.app = app
        self.clock = clock
        self._store = store
        self._members: dict[str, Member] = {}
        self._turn = count()

    @property
    def replicas(self) -> list[str]:
        """The names of those that run."""
        return list(self._members)

    async def start(self, replica: str | None = None) -> str:
        """Start a replica, the first that does not run without a name; returns its name."""
        name = replica or self._free_name()
        if name in self._members:
            raise ConfigurationError(f"{name} runs already; stop it first")
        member = self._members[name] = await Member.join(self.app, name, self._store, self.clock)
        await member.runtime.start()
        await settle()
        return name

    async def stop(self, replica: str) -> None:
        """Stop a replica gracefully: it hands over, finishes what runs, gives back the rest."""
        member = self._member(replica)
        await self._let_pass(member.runtime.drain(_GRACE))
        await self._end(replica, member.stop())

    async def kill(self, replica: str) -> None:
        """Let a replica crash: nothing is handed over, finished or given back by itself.

        The others see it die at once, as by a kill -9: its tenures are taken over without an answer
        of its own, runs of jobs that it cut off are run again, and its messages are ready again
        with that attempt counted. Then its code is cancelled. What one process cannot do: code that
        catches its cancellation, and threads, go on for a moment and still reach the caches.
        """
        await self._end(replica, self._member(replica).crash())

    async def advance(self, duration: Duration) -> None:
        """Let time pass; see `FakeClock.advance`."""
        if not isinstance(self.clock, FakeClock):
            raise ConfigurationError("only a cluster on a FakeClock can be advanced")
        await self.clock.advance(duration)

    async def settled(self) -> None:
        """Return once the listeners have nothing to do: no message is ready or being handled.

        Messages that are delayed, or wait for their next attempt, wait for `advance`.

        Raises:
            TimeoutError: The listeners do not come to rest while the clock stands still.
        """
        for _ in range(_ROUNDS):
            await settle()
            if not await self._busy():
                return
        raise TimeoutError(
            "messages are still being handled: a handler waits for the clock (advance it), "
            "or messages beget messages without end"
        )

    def client(self, replica: str | None = None) -> "httpx.AsyncClient":
        """A client of the application's web side; without a name requests go round robin.

        Raises:
            ConfigurationError: httpx is not installed.
        """
        try:
            import httpx
        except ImportError as error:
            raise ConfigurationError("cluster.client() needs httpx: pip install httpx") from error

        async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
            await self._member(replica or self._next()).runtime.asgi(scope, receive, send)

        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=asgi), base_url="http://app.test"
        )

    async def close(self) -> None:
        """Stop all replicas, at once."""
        for name in self.replicas:
            await self._end(name, self._member(name).stop())

    async def _end(self, replica: str, ending: Coroutine[Any, Any, None]) -> None:
        del self._members[replica]
        await self._let_pass(ending)
        await settle()

    async def _let_pass(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work; where it waits for a clock that stands still, let time pass."""
        task = asyncio.ensure_future(work)
        await settle()
        while not task.done() and isinstance(self.clock, FakeClock):
            await self.clock.advance(_STEP)
        await task

    async def _busy(self) -> bool:
        for listener in self.app.definitions.listeners:
            if listener.queue is None:
                continue
            depth = await self._store.queues.depth(listener.queue)
            if depth.ready or depth.leased:
                return True
        return False

    def _member(self, replica: str) -> Member:
        if replica not in self._members:
            running = ", ".join(self._members) or "none"
            raise NotRunningError(f"no replica {replica!r} runs; running: {running}")
        return self._members[replica]

    def _next(self) -> str:
        if not self._members:
            raise NotRunningError("no replica runs; start one")
        return self.replicas[next(self._turn) % len(self._members)]

    def _free_name(self) -> str:
        names = (f"{self.app.name}-{number}" for number in count())
        return next(name for name in names if name not in self._members)


@asynccontextmanager
async def cluster(
    app: App,
    replicas: int = 1,
    clock: Clock | None = None,
) -> AsyncIterator[Cluster]:
    """Run an application in this process while the context is open.

    Args:
        app: The application, unchanged.
        replicas: How many replicas to begin with.
        clock: A FakeClock by default: time passes in `Cluster.advance` only.
    """
    time = FakeClock() if clock is None else clock
    store = await EmbeddedBackend.open(None, replica="observer", clock=time)
    running = Cluster(app, store, time)
    try:
        for _ in range(replicas):
            await running.start()
        yield running
    finally:
        await running.close()
        await store.close()
