"""What the grid backend keeps when members are killed and frozen under load."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from tests.grid.members import Member, Members, running

from immutant.errors import StoreError, UncertainWriteError
from immutant.grid import GridBackend
from immutant.stores import Outgoing

WRITERS = 4
BURST = 600
PATIENCE = 12.0


@pytest.fixture
def cluster() -> Iterator[Members]:
    """Three members of one test's own: it will ruin them."""
    with running(3) as members:
        yield members


class Load:
    """Writes to a cache and to a queue, consumes, and remembers what was promised."""

    def __init__(self, backend: GridBackend) -> None:
        self._backend = backend
        self._numbers = count()
        self._ended = asyncio.Event()
        self._progress = asyncio.Condition()
        self.written: set[str] = set()
        self.sent: set[bytes] = set()
        self.received: list[bytes] = []
        self.uncertain = 0
        self.refused = 0

    @asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        """The load is on; afterwards everything that was sent has been consumed, or is lost."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for _ in range(WRITERS):
                group.create_task(self._go_on(self._write))
                group.create_task(self._go_on(self._send))
            consumers = [group.create_task(self._go_on(self._consume)) for _ in range(WRITERS)]
            yield
            self._ended.set()
            for consumer in consumers:
                consumer.cancel()
        while self.sent - set(self.received) and await self._consume():
            pass

    def burst(self) -> None:
        """Begin many writes at once, to all partitions."""
        for _ in range(BURST):
            self._group.create_task(self._try(self._write))

    async def until(self, more: int) -> None:
        """Wait until so many more writes and messages are acknowledged."""
        written, sent = len(self.written) + more, len(self.sent) + more
        async with asyncio.timeout(60), self._progress:
            await self._progress.wait_for(
                lambda: len(self.written) >= written and len(self.sent) >= sent
            )

    async def _go_on(self, act: Callable[[], Awaitable[object]]) -> None:
        while not self._ended.is_set():
            await self._try(act)

    async def _try(self, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except UncertainWriteError:
            self.uncertain += 1
        except StoreError:
            self.refused += 1
        async with self._progress:
            self._progress.notify_all()

    async def _write(self) -> None:
        key = f"k{next(self._numbers)}"
        await self._backend.caches.put("c", key, key.encode(), None)
        self.written.add(key)

    async def _send(self) -> None:
        body = b"m%d" % next(self._numbers)
        await self._backend.queues.send("q", [Outgoing(body)])
        self.sent.add(body)

    async def _consume(self) -> bool:
        """Take one message; False when there is none for longer than any repair takes."""
        delivery = await self._backend.queues.receive("q", visibility=2.0, timeout=PATIENCE)
        if delivery is not None:
            self.received.append(delivery.body)
            await self._backend.queues.ack("q", delivery)
        return delivery is not None


async def test_nothing_acknowledged_is_lost_when_a_member_is_killed(
    cluster: Members, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = await GridBackend.open(cluster.grid(), replica="a")
    load = Load(backend)
    async with load.on():
        await load.until(300)
        cluster[1].kill()
        await load.until(300)
    await _judge(load, backend, capsys)


async def test_nothing_acknowledged_is_lost_when_one_member_freezes_and_another_is_killed(
    cluster: Members, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = await GridBackend.open(cluster.grid(), replica="a")
    load = Load(backend)
    async with load.on():
        await load.until(300)
        load.burst()
        await asyncio.to_thread(_kill_during_a_freeze, cluster[1], cluster[2])
        await load.until(300)
    await _judge(load, backend, capsys)


def _kill_during_a_freeze(killed: Member, frozen: Member) -> None:
    """The freeze ends long before the members suspect the frozen one, after 4 s.

    Its first second is longer than a client waits for the frozen member's acknowledgements.
    """
    frozen.freeze()
    time.sleep(1.0)
    killed.kill()
    time.sleep(0.5)
    frozen.thaw()


async def test_receives_that_wait_are_served_after_their_lines_have_moved(
    cluster: Members,
) -> None:
    backend = await GridBackend.open(cluster.grid(), replica="a")
    queues = [f"q{number}" for number in range(12)]
    waiting = [
        asyncio.create_task(backend.queues.receive(queue, visibility=100, timeout=60))
        for queue in queues
    ]
    await asyncio.gather(*(backend.queues.depth(queue) for queue in queues))
    await asyncio.to_thread(cluster.add, 1)
    await asyncio.to_thread(cluster.ready)
    await asyncio.to_thread(cluster[1].stop)
    for queue in queues:
        await backend.queues.send(queue, [Outgoing(queue.encode())])
    async with asyncio.timeout(10):
        deliveries = await asyncio.gather(*waiting)
    assert [delivery and delivery.body for delivery in deliveries] == [q.encode() for q in queues]
    await backend.close()


async def _judge(load: Load, backend: GridBackend, capsys: pytest.CaptureFixture[str]) -> None:
    kept = await backend.caches.entries("c")
    twice = len(load.received) - len(set(load.received))
    with capsys.disabled():
        print(
            f"\n{len(load.written)} writes, {len(load.sent)} messages acknowledged, "
            f"{load.uncertain} uncertain, {load.refused} refused, {twice} received twice"
        )
    assert load.written - kept.keys() == set()
    assert load.sent - set(load.received) == set()
    await backend.close()
