"""Replicas with a coordinator and singletons each, on whichever backend."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.behaviour.conftest import WITH_LEASES, World, world_on

from immutant import App
from immutant.coordinator.driver import Driver
from immutant.coordinator.local import LocalLink
from immutant.election import Timings
from immutant.leases import Lease, LeaseStore
from immutant.singletons import Singletons

world = world_on(WITH_LEASES)

FAST = Timings(1.2, 0.7, 0.25, 0.3, 0.15, 0.18, 0.08)


class FreezableStore:
    """A lease store whose writes hang once it is frozen, as when its member is cut off."""

    def __init__(self, store: LeaseStore) -> None:
        self._store = store
        self.frozen = False

    async def write(self, lease: Lease, expect: int) -> int:
        if self.frozen:
            await asyncio.Event().wait()
        return await self._store.write(lease, expect)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@dataclass
class Member:
    """One replica of an application, as far as its singletons go."""

    name: str
    driver: Driver
    singletons: Singletons
    store: FreezableStore

    async def leave(self) -> None:
        """Gracefully."""
        await self.singletons.drain(grace=1.0)
        await self.driver.close()

    async def die(self) -> None:
        """As by kill -9: nothing is given back, nothing is answered."""
        await self.driver.close()
        await self.singletons.stop()


class Cluster:
    """The replicas of one test."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.members: list[Member] = []

    async def join(self, app: App, name: str, zone: str = "") -> Member:
        backend = await self.world.open(name)
        store = FreezableStore(backend.leases)
        driver = Driver("demo", name, store, self.world.clock, FAST, zone=zone)
        link = LocalLink(driver, name)
        definitions = app.definitions
        jobs = [job for job in definitions.jobs if job.singleton]
        singletons = Singletons(definitions.daemons, jobs, link, self.world.clock)
        driver.start()
        await singletons.start()
        member = Member(name, driver, singletons, store)
        self.members.append(member)
        return member

    async def until(self, done: Callable[[], bool], patience: float = 10.0) -> float:
        """Let time pass until something holds; how long it took on the store's clock."""
        began = self.world.clock.now()
        while not done():
            assert self.world.clock.now() - began < patience, "it did not come to pass"
            await self.world.elapse(0.02)
            await asyncio.sleep(0)
        return self.world.clock.now() - began

    async def until_async(
        self, done: Callable[[], Awaitable[bool]], patience: float = 10.0
    ) -> None:
        """Let time pass until something that has to be asked for holds."""
        began = self.world.clock.now()
        while not await done():
            assert self.world.clock.now() - began < patience, "it did not come to pass"
            await self.world.elapse(0.02)


@pytest.fixture
async def cluster(world: World) -> AsyncIterator[Cluster]:
    cluster = Cluster(world)
    yield cluster
    for member in cluster.members:
        await member.die()
