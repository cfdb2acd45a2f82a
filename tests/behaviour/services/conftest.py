"""Applications without singletons, run on every backend."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest

from immutant import App
from immutant.errors import CoordinatorError
from immutant.link import Candidacy, Command, Event, Failure, JobStatus, Outcome
from immutant.runtime import AppRuntime

Run = Callable[..., Awaitable[AppRuntime]]


class NoCoordinator:
    """A link for applications that stand for nothing."""

    def stand(self, candidacy: Candidacy) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        raise CoordinatorError("there is none")

    def alive(self, tenure: str, within: float) -> None: ...

    def ending(self, tenure: str, not_after: float) -> None: ...

    async def stopped(self, tenure: str) -> None: ...

    async def done(self, tenure: str, outcome: Outcome) -> None: ...

    async def failed(self, tenure: str, failure: Failure) -> None: ...

    async def ready(self) -> None: ...

    async def drain(self, reason: str, grace: float) -> None: ...

    async def job(self, name: str) -> JobStatus:
        raise CoordinatorError("there is none")

    async def command(self, job: str, command: Command) -> JobStatus:
        raise CoordinatorError("there is none")

    async def close(self) -> None: ...


@pytest.fixture
def app() -> App:
    return App("demo")


@pytest.fixture
async def run(world: Any) -> AsyncIterator[Run]:
    """Runs an application as a replica until the test ends: `await run(app, "a")`."""
    async with AsyncExitStack() as stack:

        async def run(app: App, replica: str = "a") -> AppRuntime:
            backend = await world.open(replica)
            runtime = AppRuntime(app, backend, NoCoordinator(), replica=replica, clock=world.clock)
            await runtime.start()
            stack.push_async_callback(runtime.stop)
            return runtime

        yield run
