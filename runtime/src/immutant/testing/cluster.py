"""A cluster of one application in this process.

Belongs here: replicas on one store in memory, started and stopped as a test asks. Each replica has
a coordinator of its own, the one that runs beside a real replica, reached without a socket.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from immutant.app import App
from immutant.clock import Clock
from immutant.durations import Duration
from immutant.embedded import EmbeddedBackend
from immutant.errors import ConfigurationError, NotRunningError
from immutant.runtime import AppRuntime
from immutant.services.topic import subscription_queue
from immutant.testing.clock import FakeClock, settle
from immutant.testing.coordinators import LinkFactory, local_link

if TYPE_CHECKING:
    import httpx

__all__ = ["Cluster", "cluster"]

_GRACE = 10.0
_ROUNDS = 10_000
_STEP = 0.1


@dataclass(slots=True)
class _Member:
    """One running replica, and what has to be closed after it."""

    backend: EmbeddedBackend
    runtime: AppRuntime
    link: Any


class Cluster:
    """Replicas of an application, named APP-0, APP-1 and so on."""

    def __init__(
        self, app: App, store: EmbeddedBackend, clock: Clock, link_factory: LinkFactory
    ) -> None:
        """Use `immutant.testing.cluster`."""
        self.app = app
        self.clock = clock
        self._store = store
        self._link_factory = link_factory
        self._members: dict[str, _Member] = {}
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
        backend = await self._store.join(name)
        link = await self._link_factory(self.app.name, name, backend, self.clock)
        runtime = AppRuntime(self.app, backend, link, replica=name, clock=self.clock)
        self._members[name] = _Member(backend, runtime, link)
        await runtime.start()
        await settle()
        return name

    async def stop(self, replica: str) -> None:
        """Stop a replica gracefully: it hands over, finishes what runs, gives back the rest."""
        member = self._member(replica)
        await self._let_pass(member.runtime.drain(_GRACE))
        await self._end(replica)

    async def kill(self, replica: str) -> None:
        """Stop a replica at once, as a crash does: nothing is handed over or finished."""
        self._member(replica)
        await self._end(replica)

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

        async def asgi(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:  # noqa: ANN401
            await self._member(replica or self._next()).runtime.asgi(scope, receive, send)

        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=asgi), base_url="http://app.test"
        )

    async def close(self) -> None:
        """Stop all replicas, at once."""
        for name in self.replicas:
            await self._end(name)

    async def _end(self, replica: str) -> None:
        member = self._members.pop(replica)
        await self._let_pass(member.runtime.stop())
        await member.link.close()
        await member.backend.close()
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
            name = listener.source.name
            if listener.subscription is not None:
                name = subscription_queue(name, listener.subscription)
            depth = await self._store.queues.depth(name)
            if depth.ready or depth.leased:
                return True
        return False

    def _member(self, replica: str) -> _Member:
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
    *,
    link_factory: LinkFactory = local_link,
) -> AsyncIterator[Cluster]:
    """Run an application in this process while the context is open.

    Args:
        app: The application, unchanged.
        replicas: How many replicas to begin with.
        clock: A FakeClock by default: time passes in `Cluster.advance` only.
        link_factory: What connects a replica to its coordinator.
    """
    time = FakeClock() if clock is None else clock
    store = await EmbeddedBackend.open(None, replica="observer", clock=time)
    running = Cluster(app, store, time, link_factory)
    try:
        for _ in range(replicas):
            await running.start()
        yield running
    finally:
        await running.close()
        await store.close()
