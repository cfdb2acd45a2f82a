"""The backends that keep the promises of this folder; a new one joins with an entry in BACKENDS."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests.grid.members import Members, running

from immutant.clock import Clock, SystemClock
from immutant.embedded import EmbeddedBackend
from immutant.grid import GridBackend
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
        keeps_all: Whether each replica keeps a copy of every entry.
    """

    open: Callable[[str], Awaitable[Any]]
    clock: Clock
    elapse: Callable[[float], Awaitable[None]]
    tick: float
    is_turned: bool
    keeps_all: bool = True


@asynccontextmanager
async def memory(_: pytest.FixtureRequest) -> AsyncIterator[World]:
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
async def file(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    folder = request.getfixturevalue("tmp_path")
    async with AsyncExitStack() as stack:

        async def open_again(replica: str) -> EmbeddedBackend:
            backend = await EmbeddedBackend.open(folder, replica=replica, watch_peers=True)
            stack.push_async_callback(backend.close)
            return backend

        yield World(open_again, SystemClock(), asyncio.sleep, 0.2, is_turned=False)


@asynccontextmanager
async def grid(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """Three members for all tests of a session; each test finds them empty."""
    members: Members = request.getfixturevalue("members")
    janitor = request.getfixturevalue("janitor")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, wipe, janitor)

        async def connect(replica: str) -> GridBackend:
            backend = await GridBackend.open(members.grid(), replica=replica)
            stack.push_async_callback(backend.close)
            return backend

        # A time to live is up to a second too long there.
        yield World(connect, SystemClock(), asyncio.sleep, 1.2, is_turned=False, keeps_all=False)


def wipe(janitor: Any) -> None:
    """Destroy all that the members hold."""
    for structure in janitor.get_distributed_objects():
        structure.destroy()


Backends = dict[str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[World]]]

WITH_LEASES: Backends = {"memory": memory, "file": file}
"""Those that keep leases too; in a cluster Kubernetes does (tests/integration/kube)."""

BACKENDS: Backends = {**WITH_LEASES, "grid": grid}


def world_on(backends: Iterable[str]) -> Any:
    """The fixture `world` on each of these backends."""

    @pytest.fixture(params=list(backends))
    async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
        async with BACKENDS[request.param](request) as world:
            yield world

    return world


world = world_on(BACKENDS)


@pytest.fixture(scope="session")
def members() -> Iterator[Members]:
    with running(3) as members:
        yield members


@pytest.fixture(scope="session")
def janitor(members: Members) -> Iterator[Any]:
    """A client that can list what there is, as the asyncio one cannot."""
    from hazelcast.client import HazelcastClient  # immutant.grid knows how to import it

    grid = members.grid()
    client = HazelcastClient(
        cluster_name=grid.cluster, cluster_members=[str(member) for member in grid.members]
    )
    yield client
    client.shutdown()


@pytest.fixture
async def backend(world: World) -> Any:
    return await world.open("a")


@pytest.fixture
async def other(world: World, backend: Any) -> Any:
    """A second replica, opened after the first."""
    return await world.open("b")
