"""Replicas in several processes, some of which die."""

import asyncio
import itertools
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from immutant.embedded import EmbeddedBackend
from immutant.stores import Outgoing


@pytest.mark.parametrize("count", [2, 3])
async def test_waiting_processes_take_strict_turns(
    backend: EmbeddedBackend, launch: Any, count: int
) -> None:
    replicas = []
    for number in range(count):
        replicas.append(await launch(f"r{number}", "consume"))
        assert await replicas[-1].says() == "-"
    for number in range(30):
        await backend.queues.send("q", [Outgoing(b"%d" % number)])
        replica = replicas[number % count]
        assert [await replica.says(), await replica.says()] == [str(number), "-"]


async def test_a_message_sent_by_another_process_wakes_who_waits_at_once(
    backend: EmbeddedBackend, launch: Any
) -> None:
    replica = await launch("r", "consume")
    await replica.says()
    latencies = []
    for _ in range(20):
        begin = time.perf_counter()
        await backend.queues.send("q", [Outgoing(b"x")])
        await replica.says()
        latencies.append(time.perf_counter() - begin)
        await replica.says()
    assert sorted(latencies)[10] < 0.1


async def test_what_a_killed_process_held_is_ready_at_once(
    backend: EmbeddedBackend, launch: Any
) -> None:
    await backend.queues.send("q", [Outgoing(b"1")])
    replica = await launch("r", "hold")
    assert await replica.says() == "1"
    waiting = asyncio.create_task(backend.queues.receive("q", visibility=600))
    await backend.queues.depth("q")
    await replica.kill()
    async with asyncio.timeout(0.8):  # Less than any second look at the locks would take.
        delivery = await waiting
    assert delivery is not None
    assert (delivery.body, delivery.attempt) == (b"1", 2)


async def test_a_killed_process_waits_no_longer(
    backend: EmbeddedBackend, launch: Any, tmp_path: Path
) -> None:
    replica = await launch("r", "wait")
    assert await replica.says() == "waiting"
    await replica.kill()
    second = await EmbeddedBackend.open(tmp_path, replica="second")
    await second.queues.send("none", [Outgoing(b"1")])
    assert await second.queues.receive("none", visibility=1, timeout=5) is not None
    await second.close()


async def test_without_watching_the_dead_are_found_within_a_second_or_so(
    launch: Any, tmp_path: Path
) -> None:
    backend = await EmbeddedBackend.open(tmp_path, replica="here")
    await backend.queues.send("q", [Outgoing(b"1")])
    replica = await launch("r", "hold")
    assert await replica.says() == "1"
    await replica.kill()
    assert await backend.queues.receive("q", visibility=1, timeout=5) is not None
    await backend.close()


async def test_a_process_killed_before_its_wake_ups_strands_nobody(
    backend: EmbeddedBackend, launch: Any
) -> None:
    waiting = asyncio.create_task(backend.queues.receive("q", visibility=600))
    await backend.queues.depth("q")
    replica = await launch("r", "send_and_die")
    assert await replica.ended() == -signal.SIGKILL
    async with asyncio.timeout(3):
        assert await waiting is not None


async def test_a_store_whose_processes_were_all_killed_opens_again(
    launch: Any, tmp_path: Path
) -> None:
    for _ in range(3):
        replicas = [await launch(f"r{number}", "work") for number in range(2)]
        said = [await replica.says() for replica in replicas for _ in range(50)]
        for replica in replicas:
            await replica.kill()
            said += await replica.heard()
        backend = await EmbeddedBackend.open(tmp_path, replica="here")
        assert set(said) <= {f"put {key}" for key in await backend.caches.entries("c")}
        await backend.close()


async def test_an_incarnation_is_dead_the_moment_its_process_is(
    backend: EmbeddedBackend, launch: Any
) -> None:
    replica = await launch("r", "live")
    assert await replica.says() == "alive"
    death = asyncio.ensure_future(anext(backend.leases.deaths()))
    await asyncio.wait({death}, timeout=0.3)
    assert not death.done()
    await replica.kill()
    async with asyncio.timeout(0.8):
        assert await death == "life"


async def test_a_process_stopped_while_it_writes_is_ended(
    backend: EmbeddedBackend, launch: Any
) -> None:
    replica = await launch("r", "freeze")
    assert await replica.says() == "frozen"
    begin = time.monotonic()
    await backend.caches.put("c", "key", b"1", None)
    assert 1.5 < time.monotonic() - begin < 8
    assert await replica.ended() == -signal.SIGKILL
    assert await backend.caches.get("c", "key") == b"1"


async def test_a_process_stopped_while_it_writes_keeps_nobody_from_opening(
    launch: Any, tmp_path: Path
) -> None:
    replica = await launch("r", "freeze")
    assert await replica.says() == "frozen"
    async with asyncio.timeout(8):
        backend = await EmbeddedBackend.open(tmp_path, replica="here")
    assert await replica.ended() == -signal.SIGKILL
    await backend.close()


async def test_reads_do_not_wait_for_a_stopped_writer(
    backend: EmbeddedBackend, launch: Any
) -> None:
    await backend.caches.put("c", "key", b"1", None)
    replica = await launch("r", "freeze")
    assert await replica.says() == "frozen"
    async with asyncio.timeout(1):
        assert await backend.caches.get("c", "key") == b"1"


async def test_processes_killed_under_load_lose_nothing_that_was_acknowledged(
    backend: EmbeddedBackend, launch: Any
) -> None:
    rng, kills, numbers = random.Random(7), 8, itertools.count()
    sent: list[str] = []
    replicas = [await launch(f"r{number}", "work") for number in range(3)]
    said: list[str] = []
    for kill in range(kills):
        bodies = [str(next(numbers)) for _ in range(40)]
        await backend.queues.send("q", [Outgoing(body.encode()) for body in bodies])
        sent += bodies
        victim = rng.randrange(3)
        said += [await replicas[victim].says() for _ in range(rng.randrange(5, 60))]
        await replicas[victim].kill()
        said += await replicas[victim].heard()
        replicas[victim] = await launch(f"again{kill}", "work")
    for replica in replicas:
        while (await backend.queues.depth("q")).ready:
            said.append(await replica.says())
        await replica.kill()
        said += await replica.heard()
    await _assert_kept(backend, sent, said)


async def _assert_kept(backend: EmbeddedBackend, sent: list[str], said: list[str]) -> None:
    keys = [line.removeprefix("put ") for line in said if line.startswith("put ")]
    assert set(keys) <= set(await backend.caches.entries("c"))
    moved: Counter[str] = Counter()
    for queue in ("moved", "q"):
        while delivery := await backend.queues.receive(queue, visibility=600, timeout=0):
            moved[delivery.body.decode()] += 1
            await backend.queues.ack(queue, delivery)
    # The last ones are in the hands of killed processes until they are buried.
    while held := (await backend.queues.depth("q")).leased:
        for _ in range(held):
            delivery = await backend.queues.receive("q", visibility=600, timeout=5)
            assert delivery is not None
            moved[delivery.body.decode()] += 1
            await backend.queues.ack("q", delivery)
    assert set(moved) == set(sent)
    # Twice only what a process had in hand when it was killed: one message each.
    assert sum(moved.values()) - len(moved) <= 11
