"""What the grid backend promises beyond what all backends do."""

import asyncio
import pickle
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hazelcast.asyncio import HazelcastClient
from hazelcast.core import HazelcastJsonValue
from hazelcast.errors import HazelcastSerializationError
from tests.behaviour.conftest import World, world_on
from tests.grid.members import Members

from immutant.errors import StoreError, ValueRefusedError
from immutant.grid import GridBackend, sweeper
from immutant.grid.client import connect
from immutant.grid.records import Record
from immutant.stores import Outgoing, QueueDepth

world = world_on(["grid"])


@pytest.fixture
async def raw(members: Members, world: World) -> AsyncIterator[Any]:
    """A client of its own, to meddle with."""
    client = await connect(members.grid(), "meddler")
    yield client
    await client.shutdown()
    await asyncio.sleep(0.01)


async def test_each_entry_is_kept_beside_exactly_two_of_three_replicas(members: Members) -> None:
    backends = [await GridBackend.open(members.grid(n), replica=f"r{n}") for n in range(3)]
    values = {f"k{n}": b"%d" % n for n in range(200)}
    await backends[0].caches.put_many("c", values, None)
    shares = [await backend.caches.entries("c", local=True) for backend in backends]
    assert sorted(key for share in shares for key in share) == sorted([*values] * 2)
    for member, share in zip(members, shares, strict=True):
        owners = member.topology("owners", map="cache.c", key="k7")["members"]
        assert (member.name in owners) is ("k7" in share)
    for backend in backends:
        await backend.close()


async def test_a_late_swap_cannot_shorten_the_life_of_the_next_value(
    backend: GridBackend, other: GridBackend
) -> None:
    """A time to live set after the swap, in a second step, would hit what was put in between."""

    async def flicker() -> None:
        for _ in range(50):
            await backend.caches.put("c", "key", b"short", None)
            await backend.caches.replace("c", "key", b"short", b"shorter", 0.1)

    async def settle() -> None:
        for _ in range(50):
            await other.caches.put("c", "key", b"kept", None)

    await asyncio.gather(flicker(), settle())
    await other.caches.put("c", "key", b"kept", None)
    await asyncio.sleep(1.5)
    assert await backend.caches.get("c", "key") == b"kept"


async def test_nothing_is_pickled(backend: GridBackend, raw: Any) -> None:
    entries = await raw.get_map("cache.c")
    for value in (b"plain bytes", ("tuple",), {"a": 1}):
        with pytest.raises(HazelcastSerializationError, match="only text, bytes and JSON"):
            await entries.set("key", value)
    with pytest.raises(ValueRefusedError, match="encode it"):
        await backend.caches.put("c", "key", "text", None)  # type: ignore[arg-type]


async def test_nothing_is_unpickled(members: Members, backend: GridBackend) -> None:
    """What somebody else has pickled into a cache does not run here."""
    grid = members.grid()
    careless = await HazelcastClient.create_and_start(
        cluster_name=grid.cluster, cluster_members=[str(member) for member in grid.members]
    )
    entries: Any = await careless.get_map("cache.c")
    await entries.set("key", ("pickled",))
    assert pickle.loads(pickle.dumps(await entries.get("key"))) == ("pickled",)
    with pytest.raises(StoreError, match="refused"):
        await backend.caches.get("c", "key")
    assert await backend.caches.remove("c", "key") is True
    assert await entries.contains_key("key") is False
    await careless.shutdown()
    await asyncio.sleep(0.01)


async def test_what_others_stored_is_refused_by_name(backend: GridBackend, raw: Any) -> None:
    await (await raw.get_map("cache.c")).set("key", "text")
    with pytest.raises(StoreError, match="'key' in cache 'c' holds str"):
        await backend.caches.get("c", "key")
    await (await raw.get_map("queue.q")).set("id", HazelcastJsonValue("{}"))
    with pytest.raises(StoreError, match="message id of queue 'q'"):
        await (await backend.queues._queue("q"))._messages.read("id")


async def test_a_message_whose_key_was_lost_on_the_way_comes_again(
    backend: GridBackend, raw: Any
) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    assert await (await raw.get_queue("dispatch.q")).poll() is not None
    delivery = await backend.queues.receive("q", visibility=100, timeout=15)
    assert delivery is not None
    assert (delivery.body, delivery.attempt) == (b"1", 1)
    assert await backend.queues.receive("q", visibility=100, timeout=0) is None


async def test_a_key_too_many_delivers_nothing_twice(backend: GridBackend, raw: Any) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    line = await raw.get_queue("dispatch.q")
    await line.add_all(await line.iterator())
    assert await backend.queues.receive("q", visibility=100, timeout=0) is not None
    assert await backend.queues.receive("q", visibility=100, timeout=0) is None


async def test_what_is_settled_while_others_are_extended_is_not_held_any_more(
    backend: GridBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    await backend.queues.send("q", [Outgoing(b"1"), Outgoing(b"2")])
    one, two = [await backend.queues.receive("q", visibility=100, timeout=0) for _ in range(2)]
    assert one is not None
    assert two is not None
    queue, extended, settled = await backend.queues._queue("q"), asyncio.Event(), asyncio.Event()
    swap = queue._messages.swap

    async def swap_the_second_late(old: Record, new: Record) -> bool:
        if old.id == two.id:
            await settled.wait()
        swapped = await swap(old, new)
        extended.set()
        return swapped

    monkeypatch.setattr(queue._messages, "swap", swap_the_second_late)
    extending = asyncio.create_task(backend.queues.extend("q", [one, two], 200))
    await extended.wait()
    assert await backend.queues.ack("q", one) is True
    settled.set()
    assert await extending == []
    assert [record.id for record in queue._held.all()] == [two.id]


async def test_what_a_dead_process_held_comes_again_after_its_visibility(
    backend: GridBackend, other: GridBackend
) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    first = await backend.queues.receive("q", visibility=1.0, timeout=0)
    assert first is not None
    (await backend.queues._queue("q"))._sweeping.cancel()
    await backend._client.shutdown()
    second = await other.queues.receive("q", visibility=100, timeout=15)
    assert second is not None
    assert (second.id, second.attempt) == (first.id, 2)


@pytest.mark.parametrize("decided", [True, False])
async def test_of_a_batch_whose_sender_died_all_or_nothing_is_sent(
    backend: GridBackend,
    other: GridBackend,
    decided: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweeper, "_UNDECIDED", 0.5)
    monkeypatch.setattr(sweeper, "_ABANDONED", 1.0)
    queue = await backend.queues._queue("q")
    before, batches = asyncio.Event(), queue._batches
    commit = batches.commit

    async def die(batch: str) -> None:
        if decided:
            await commit(batch)
        before.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(batches, "commit", die)
    sending = asyncio.create_task(backend.queues.send("q", [Outgoing(b"1"), Outgoing(b"2")]))
    await before.wait()
    sending.cancel()
    assert await other.queues.depth("q") == QueueDepth(0, 0, 0, 0)
    bodies = []
    while delivery := await other.queues.receive("q", visibility=100, timeout=8):
        bodies.append(delivery.body)
    assert bodies == ([b"1", b"2"] if decided else [])
    found = await (await other.queues._queue("q"))._messages.restless(0.0)
    assert len(found) == len(bodies)


async def test_all_replicas_draw_the_same_secret(backend: GridBackend, other: GridBackend) -> None:
    one, two = await asyncio.gather(backend.secret("s"), other.secret("s"))
    assert one == two == await backend.secret("s")
    assert len(one) == 32
    assert await other.secret("t") != one
