"""What only an API server does to a lease store: deletions, edits by hand, watches that end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.behaviour.conftest import World
from tests.integration.kube.apiserver import ApiServer

from immutant.errors import ConflictError, StoreError
from immutant.kube import leases as store
from immutant.leases import Lease, LeaseEvent

MEMBER = Lease("demo.member.0", holder="life-1", member="demo-0", nonce="n", duration=4.0)


@pytest.fixture
def path(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/demo.member.0"


async def test_a_write_over_a_lease_that_was_deleted_is_refused_and_makes_none(
    apiserver: ApiServer, path: str, backend: Any, other: Any
) -> None:
    version = await backend.leases.write(MEMBER, 0)
    apiserver.call("DELETE", path)
    for writer in (backend, other):
        with pytest.raises(ConflictError):
            await writer.leases.write(MEMBER, version)
    assert await backend.leases.read(MEMBER.name) is None


async def test_a_write_over_a_lease_that_was_deleted_and_made_again_is_refused(
    apiserver: ApiServer, path: str, backend: Any, other: Any
) -> None:
    version = await backend.leases.write(MEMBER, 0)
    apiserver.call("DELETE", path)
    again = await other.leases.write(replace(MEMBER, holder="life-2"), 0)
    with pytest.raises(ConflictError):
        await backend.leases.write(MEMBER, version)
    assert await backend.leases.write(MEMBER, again) > again


async def test_a_watch_tells_of_deletions_and_of_edits_by_hand(
    apiserver: ApiServer, path: str, backend: Any
) -> None:
    version = await backend.leases.write(MEMBER, 0)
    events = backend.leases.watch(version)
    apiserver.call("PATCH", path, {"spec": {"holderIdentity": "a thief"}})
    edited = await _next(events)
    assert edited.lease == Lease(MEMBER.name, version=edited.version), "it proves nothing"
    apiserver.call("DELETE", path)
    deleted = await _next(events)
    assert deleted.version > edited.version > version
    assert (deleted.name, deleted.lease) == (MEMBER.name, None)
    await events.aclose()


async def test_another_app_of_this_name_left_leases_that_prove_nothing(
    apiserver: ApiServer, path: str, backend: Any
) -> None:
    await backend.leases.write(MEMBER, 0)
    apiserver.call("PATCH", path, {"metadata": {"labels": {"immutant.org/app-uid": "uid-0"}}})
    (found,) = (await backend.leases.snapshot()).leases
    assert (found.name, found.holder) == (MEMBER.name, "")


async def test_a_watch_that_the_server_ends_goes_on_where_it_was(
    backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_WATCH", 1)
    monkeypatch.setattr(store, "_SHORTEST_WATCH", 0.5)
    version = await backend.leases.write(MEMBER, 0)
    events = backend.leases.watch(version)
    for _ in range(4):  # each write follows an ended watch, or hits one that is open
        version = await backend.leases.write(MEMBER, version)
        assert (await _next(events)).version == version
        await asyncio.sleep(0.6)
    await events.aclose()


async def test_a_server_that_hangs_is_given_up_in_time_and_is_there_again_afterwards(
    apiserver: ApiServer, world: World, backend: Any
) -> None:
    version = await backend.leases.write(MEMBER, 0)
    apiserver.pause()
    try:
        began = world.clock.now()
        with pytest.raises(StoreError) as caught:
            await backend.leases.write(MEMBER, version)
        assert world.clock.now() - began < 1.0
        assert not isinstance(caught.value, ConflictError), "it may have been stored"
    finally:
        apiserver.resume()
    async with asyncio.timeout(10):
        assert await backend.leases.read(MEMBER.name) is not None


async def test_any_text_can_name_a_singleton(backend: Any) -> None:
    names = ["send_mail", "Ünïcode", "a.b", "-", "", "x" * 300, "tab\there"]
    for name in names:
        await backend.leases.write(replace(MEMBER, name=f"demo.job.{name}"), 0)
    found = {lease.name for lease in (await backend.leases.snapshot()).leases}
    assert found == {f"demo.job.{name}" for name in names}


async def _next(events: AsyncIterator[LeaseEvent]) -> LeaseEvent:
    async with asyncio.timeout(10):
        return await anext(events)
