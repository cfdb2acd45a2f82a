"""The backends that keep the promises of this folder; a new one joins with an entry in BACKENDS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from immutant.clock import Clock, SystemClock
from immutant.embedded import EmbeddedBackend
from immutant.testing import FakeClock


@dataclass(frozen=True)
class World:
    """One store, as its replicas see it, and its time.

    Attributes:
        open: Connects another replica.
        clock: The time that the store and its users measure with.
        elapse: Lets so many seconds pass for the store.
        tick: Seconds that the store measures reliably.
        is_turned: Whether its time passes in `elapse` alone.
    """

    open: Callable[[str], Awaitable[EmbeddedBackend]]
    clock: Clock
    elapse: Callable[[float], Awaitable[None]]
    tick: float
    is_turned: bool


@asynccontextmanager
async def memory(_: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    first = await EmbeddedBackend.open(None, replica="keeper", clock=clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(first.close)

        async def join(replica: str) -> EmbeddedBackend:
            backend = await first.join(replica)
            stack.push_async_callback(backend.close)
            return backend

        yield World(join, clock, clock.advance, 60.0, is_turned=True)


@asynccontextmanager
async def file(folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:

        async def open_again(replica: str) -> EmbeddedBackend:
            backend = await EmbeddedBackend.open(folder, replica=replica, watch_peers=True)
            stack.push_async_callback(backend.close)
            return backend

        yield World(open_again, SystemClock(), asyncio.sleep, 0.2, is_turned=False)


BACKENDS: dict[str, Callable[[Path], AbstractAsyncContextManager[World]]] = {
    "memory": memory,
    "file": file,
}


@pytest.fixture(params=BACKENDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with BACKENDS[request.param](tmp_path) as world:
        yield world


@pytest.fixture
async def backend(world: World) -> EmbeddedBackend:
    return await world.open("a")


@pytest.fixture
async def other(world: World, backend: EmbeddedBackend) -> EmbeddedBackend:
    """A second replica, opened after the first."""
    return await world.open("b")
