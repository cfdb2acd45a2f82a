"""One replica of a test's cluster.

Belongs here: its parts, and the order in which they end: at a stop, and at a crash as far as one
process can have one. Its coordinator is the one that runs beside a real replica, reached without a
socket.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from immutant.app import App
from immutant.clock import Clock
from immutant.coordinator.driver import Driver
from immutant.coordinator.local import LocalLink
from immutant.election import Timings
from immutant.embedded import EmbeddedBackend
from immutant.errors import CoordinatorError
from immutant.link import Candidacy, Command, Event, Failure, JobStatus, Link, Outcome
from immutant.runtime import AppRuntime

__all__ = ["Member"]


@dataclass(frozen=True, slots=True)
class Member:
    """One running replica, and what has to be closed after it."""

    backend: EmbeddedBackend
    runtime: AppRuntime
    link: Link

    @classmethod
    async def join(cls, app: App, name: str, store: EmbeddedBackend, clock: Clock) -> "Member":
        """Make a replica on that store; start its runtime next."""
        backend = await store.join(name)
        driver = Driver(app.name, name, backend.leases, clock, Timings())
        driver.start()
        link = _Line(LocalLink(driver, name))
        return cls(backend, AppRuntime(app, backend, link, replica=name, clock=clock), link)

    async def stop(self) -> None:
        """Stop at once, in order: what runs is cancelled and given back."""
        await self.runtime.stop()
        await self.link.close()
        await self.backend.close()

    async def crash(self) -> None:
        """Die, as others see it, before the code hears of it: nothing it does then is an answer."""
        await self.link.close()
        await self.backend.close()
        await self.runtime.stop()


class _Line:
    """A link on which nothing is heard any more once it is closed."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._is_closed = False

    def stand(self, candidacy: Candidacy) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        self._check()
        return self._link.stand(candidacy)

    def alive(self, tenure: str, within: float) -> None:
        self._link.alive(tenure, within)

    def ending(self, tenure: str, not_after: float) -> None:
        self._link.ending(tenure, not_after)

    async def stopped(self, tenure: str) -> None:
        if not self._is_closed:
            await self._link.stopped(tenure)

    async def done(self, tenure: str, outcome: Outcome) -> None:
        if not self._is_closed:
            await self._link.done(tenure, outcome)

    async def failed(self, tenure: str, failure: Failure) -> None:
        if not self._is_closed:
            await self._link.failed(tenure, failure)

    async def ready(self) -> None:
        if not self._is_closed:
            await self._link.ready()

    async def drain(self, reason: str, grace: float) -> None:
        if not self._is_closed:
            await self._link.drain(reason, grace)

    async def job(self, name: str) -> JobStatus:
        self._check()
        return await self._link.job(name)

    async def command(self, job: str, command: Command) -> JobStatus:
        self._check()
        return await self._link.command(job, command)

    async def close(self) -> None:
        self._is_closed = True
        await self._link.close()

    def _check(self) -> None:
        if self._is_closed:
            raise CoordinatorError("the coordinator of this replica is gone")
