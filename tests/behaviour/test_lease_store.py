"""What every LeaseStore promises."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.behaviour.conftest import WITH_LEASES, world_on

from immutant.errors import ConflictError, StoreError
from immutant.leases import Lease, LeaseEvent, LeaseStore

world = world_on(WITH_LEASES)

MEMBER = Lease("app.member.0", holder="life-1", member="app-0", nonce="n", duration=4.0)


async def test_a_lease_is_read_as_it_was_written(backend: Any, other: Any) -> None:
    lease = replace(MEMBER, former=("x", "y"), released="r", ended="", body="ü\0", write="w")
    version = await backend.leases.write(lease, 0)
    assert await other.leases.read(lease.name) == replace(lease, version=version)
    assert await other.leases.read("absent") is None


async def test_versions_grow_with_every_write_to_any_lease(backend: Any, other: Any) -> None:
    one = await backend.leases.write(MEMBER, 0)
    two = await other.leases.write(replace(MEMBER, name="app.member.1"), 0)
    three = await backend.leases.write(replace(MEMBER, nonce="m"), one)
    assert 0 < one < two < three
    assert (await other.leases.snapshot()).version >= three


async def test_a_write_that_expects_another_version_changes_nothing(backend: Any) -> None:
    version = await backend.leases.write(MEMBER, 0)
    for expected in (0, version + 1):
        with pytest.raises(ConflictError):
            await backend.leases.write(replace(MEMBER, holder="thief"), expected)
    with pytest.raises(ConflictError):
        await backend.leases.write(replace(MEMBER, name="new"), version)
    assert (await backend.leases.snapshot()).leases == [replace(MEMBER, version=version)]


async def test_of_many_concurrent_writes_one_wins(backend: Any, other: Any) -> None:
    version = await backend.leases.write(MEMBER, 0)
    results = await asyncio.gather(
        *(
            store.leases.write(replace(MEMBER, nonce=f"{number}"), version)
            for number, store in enumerate([backend, other] * 10)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, ConflictError) for result in results) == 19


async def test_a_watch_tells_every_change_once_and_in_order(backend: Any, other: Any) -> None:
    since = (await backend.leases.snapshot()).version
    watching = asyncio.create_task(_events(other.leases, since, 40))
    leases = [replace(MEMBER, name=f"app.member.{number}") for number in range(4)]
    await asyncio.gather(*(_rewrite(backend.leases, lease, 10) for lease in leases))
    async with asyncio.timeout(0.8):  # Less than any second look at the store would take.
        events = await watching
    versions = [event.version for event in events]
    assert versions == sorted(set(versions))
    for lease in leases:
        changes = [event.lease for event in events if event.name == lease.name]
        assert [change.body for change in changes if change] == [str(n) for n in range(10)]


async def test_a_watch_from_a_version_in_the_future_is_refused(backend: Any) -> None:
    version = await backend.leases.write(MEMBER, 0)
    with pytest.raises(StoreError):
        await _events(backend.leases, version + 1000, 1)


async def test_all_members_see_one_calendar(backend: Any, other: Any) -> None:
    assert abs(await backend.leases.wall() - await other.leases.wall()) < 1


async def test_an_incarnation_is_dead_once_nobody_holds_its_lock(backend: Any, other: Any) -> None:
    coordinator = backend.leases.hold("life-1")
    application = backend.leases.hold("life-1")
    await backend.leases.write(MEMBER, 0)
    death = asyncio.ensure_future(anext(other.leases.deaths()))
    later = other.leases.hold("life-2")
    await other.leases.write(replace(MEMBER, name="app.member.1", holder="life-2"), 0)
    coordinator.release()
    await asyncio.wait({death}, timeout=0.1)
    assert not death.done()
    application.release()
    async with asyncio.timeout(0.8):
        assert await death == "life-1"
    later.release()


async def test_deaths_hear_of_members_that_come_later(backend: Any, other: Any) -> None:
    deaths = other.leases.deaths()
    death = asyncio.ensure_future(anext(deaths))
    for number in range(3):
        lock = backend.leases.hold(f"life-{number}")
        name = f"app.member.{number}"
        await backend.leases.write(replace(MEMBER, name=name, holder=f"life-{number}"), 0)
        await other.leases.read(name)
        lock.release()
        async with asyncio.timeout(2):
            assert await death == f"life-{number}"
        death = asyncio.ensure_future(anext(deaths))
    death.cancel()


async def test_who_never_held_a_lock_is_not_proved_dead(backend: Any, other: Any) -> None:
    await backend.leases.write(replace(MEMBER, holder="unlocked"), 0)
    await backend.leases.write(replace(MEMBER, name="app.daemon.x", holder="daemon"), 0)
    lock = backend.leases.hold("life-1")
    await backend.leases.write(replace(MEMBER, name="app.member.1"), 0)
    lock.release()
    async with asyncio.timeout(2):
        assert await anext(other.leases.deaths()) == "life-1"


async def _events(store: LeaseStore, since: int, count: int) -> list[LeaseEvent]:
    events: list[LeaseEvent] = []
    async for event in store.watch(since):
        events.append(event)
        if len(events) == count:
            break
    return events


async def _rewrite(store: LeaseStore, lease: Lease, count: int) -> None:
    version = 0
    for number in range(count):
        version = await store.write(replace(lease, body=str(number)), version)
