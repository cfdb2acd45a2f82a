"""One running replica of an application.

Belongs here: starting and stopping what an application defines, in order, on a backend and a link
that are given. Not here: processes, sockets and signals (`immutant.serve`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from immutant.app import App
from immutant.clock import Clock
from immutant.counting import Tally
from immutant.definitions import ListenerDefinition, TopicDefinition
from immutant.link import Link
from immutant.running import Replica, acting_replica
from immutant.services.consumer import Consumer
from immutant.services.counted import begin
from immutant.services.follower import Follower
from immutant.singletons import Resident, Singletons
from immutant.stores import Backend
from immutant.tracing import OFF, Tracer
from immutant.webside import Receive, Scope, Send

__all__ = ["AppRuntime"]


class _Part(Protocol):
    """What runs on a replica, whatever it is."""

    async def drain(self, grace: float) -> None: ...

    async def stop(self) -> None: ...


class AppRuntime:
    """An application on one replica.

    Serve `asgi`, or the application itself where one replica runs in the process.
    """

    def __init__(
        self,
        app: App,
        backend: Backend,
        link: Link,
        *,
        replica: str,
        clock: Clock,
        tracer: Tracer = OFF,
    ) -> None:
        """Make a runtime; needs a running loop.

        Args:
            app: What the user defined.
            backend: This replica's connection to the shared state; its maker closes it.
            link: The way to the coordinator; its maker closes it.
            replica: This replica's name.
            clock: The machine's clock, or a test's.
            tracer: Who hears of its work.
        """
        self.app = app
        loop = asyncio.get_running_loop()
        self._replica = Replica(replica, backend, clock, loop, link=link, tracer=tracer)
        self._parts: list[_Part] = []
        self._followers: list[Follower] = []
        definitions = app.definitions
        self._singletons = Singletons(
            [daemon for daemon in definitions.daemons if daemon.singleton],
            [job for job in definitions.jobs if job.singleton],
            link,
            clock,
            tracer,
        )

    @property
    def tally(self) -> Tally:
        """What this replica counts of itself."""
        return self._replica.tally

    @property
    def draining(self) -> bool:
        """Whether this replica takes no new work."""
        return self._replica.draining

    async def start(self) -> None:
        """Bind the application's handles and begin to work.

        Raises:
            StoreError: A durable subscription could not be set up; nothing runs.
        """
        self.app.binding.bind(self._replica)
        try:
            with self._acting():
                await self._start()
        except BaseException:
            await self.stop()
            raise

    async def drain(self, grace: float, departed: "asyncio.Future[None] | None" = None) -> None:
        """Take nothing new, let what runs end within `grace` seconds, give the rest back.

        The web side goes on to answer; only its health checks learn that it is leaving. Until its
        clients have `departed`, live listeners go on to hear: a client's WebSocket may live on
        that, and nobody else hears it in their place.
        """
        self._replica.draining = True
        await asyncio.gather(
            self._singletons.drain(grace),
            *(part.drain(grace) for part in self._parts),
            self._unfollow(self._replica.clock.now() + grace, departed),
        )

    async def stop(self) -> None:
        """Stop at once whatever still runs, and unbind the handles."""
        self._replica.draining = True
        await self._singletons.stop()
        await asyncio.gather(*(part.stop() for part in (*self._parts, *self._followers)))
        self._parts.clear()
        self._followers.clear()
        self.app.binding.unbind(self._replica)

    async def asgi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the application's web side as this replica."""
        with self._acting():
            await self.app(scope, receive, send)

    async def _start(self) -> None:
        for queue in self._queues():
            begin(self._replica, queue)
        for listener in self.app.definitions.listeners:
            await self._bind_subscription(listener)
        for listener in self.app.definitions.listeners:
            await self._listen(listener)
        for definition in self.app.definitions.residents():
            self._parts.append(resident := Resident(definition, self._replica))
            resident.start()
        await self._singletons.start()

    def _queues(self) -> set[str]:
        """All queues that are defined, those of durable subscriptions included."""
        definitions = self.app.definitions
        heard = {one.queue for one in definitions.listeners if one.queue is not None}
        return heard | {one.name for one in definitions.queues}

    async def _bind_subscription(self, listener: ListenerDefinition) -> None:
        if isinstance(listener.source, TopicDefinition) and listener.queue is not None:
            await self._replica.backend.topics.bind(listener.source.name, listener.queue)

    async def _listen(self, listener: ListenerDefinition) -> None:
        if listener.queue is None:
            self._followers.append(follower := Follower(listener, self._replica))
            await follower.start()
        else:
            self._parts.append(consumer := Consumer(listener, listener.queue, self._replica))
            consumer.start()

    async def _unfollow(self, over: float, departed: "asyncio.Future[None] | None") -> None:
        if self._followers and departed is not None:
            await asyncio.wait([departed])
        left = max(0.0, over - self._replica.clock.now())
        await asyncio.gather(*(one.drain(left) for one in self._followers))

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """Within the context, and in tasks begun there, handles belong to this replica."""
        token = acting_replica.set(self._replica)
        try:
            yield
        finally:
            acting_replica.reset(token)
