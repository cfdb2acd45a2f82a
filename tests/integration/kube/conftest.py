"""Stores on a real API server, each test in a namespace of its own."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.behaviour.conftest import World
from tests.behaviour.singletons.conftest import Cluster, Member
from tests.grid.members import running
from tests.integration.kube.apiserver import ApiServer

from immutant import App
from immutant.clock import SystemClock
from immutant.contract.environment import Grid
from immutant.kube import KubeClient, KubeLeases, Owner, configuration

_numbers = itertools.count()


@pytest.fixture(scope="session")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    server = ApiServer(tmp_path_factory.mktemp("apiserver"))
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def namespace(apiserver: ApiServer) -> str:
    name = f"test-{next(_numbers)}"
    apiserver.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture(scope="session")
def grid() -> Iterator[Grid]:
    """The member beside all sidecars, which is told whose votes count."""
    with running(1) as members:
        yield members.grid()


class KubeBackend:
    """What of a backend the API server is."""

    def __init__(self, client: KubeClient, owner: Owner) -> None:
        self._client = client
        self.leases = KubeLeases(client, owner, SystemClock(), timeout=0.6)

    async def close(self) -> None:
        await self._client.close()


@pytest.fixture
async def world(apiserver: ApiServer, namespace: str) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:

        async def connect(_replica: str) -> Any:
            environ = {"KUBECONFIG": str(apiserver.kubeconfig())}
            client = KubeClient(await configuration(environ), SystemClock())
            backend = KubeBackend(client, Owner(namespace, "demo", "uid-1"))
            stack.push_async_callback(backend.close)
            return backend

        yield World(connect, SystemClock(), asyncio.sleep, 0.2, is_turned=False)
    await farewells(apiserver.port)


async def farewells(port: int) -> None:
    """Wait until no connection to a port is left.

    A request that was given up closes its connection, which ends once the server has answered the
    farewell of TLS. A loop that ends before leaves the socket to the garbage collector, whose
    complaint would then fail another test.
    """
    async with asyncio.timeout(5):
        while port in peers():  # noqa: ASYNC110  the kernel tells of it to nobody
            await asyncio.sleep(0.005)


def peers() -> set[int]:
    """The ports that this process is connected to."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError, IndexError):  # closed by now, or not connected so
            if not str(descriptor.readlink()).startswith("socket:"):
                continue  # `fromfd` would leave its copy open
            with socket.fromfd(int(descriptor.name), socket.AF_INET, socket.SOCK_STREAM) as copy:
                found.add(copy.getpeername()[1])
    return found


@pytest.fixture
async def backend(world: World) -> Any:
    return await world.open("a")


@pytest.fixture
async def other(world: World, backend: Any) -> Any:
    return await world.open("b")


class PatientCluster(Cluster):
    """Waits until who joins is a member: where an absence is no proof, that takes a while."""

    async def join(self, app: App, name: str, zone: str = "") -> Member:
        member = await super().join(app, name, zone)
        await self.until(lambda: member.driver.good_until > 0)
        return member


@pytest.fixture
async def cluster(world: World) -> AsyncIterator[Cluster]:
    cluster = PatientCluster(world)
    yield cluster
    for member in cluster.members:
        await member.die()
