"""The queue of apps: coalescing, one worker an app, and again after a failure."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from immutant_operator.registry import Key, Registry
from immutant_operator.workqueue import Work, WorkQueue

A, B = ("apps", "a"), ("apps", "b")


@asynccontextmanager
async def working(work: Work) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(work, random.Random(1))
    running = asyncio.create_task(queue.run(2))
    yield queue
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_what_is_added_while_it_waits_is_done_once() -> None:
    done: list[Key] = []
    finished = asyncio.Event()

    async def work(key: Key) -> None:
        done.append(key)
        if key == B:
            finished.set()

    async with working(work) as queue:
        for _ in range(5):
            queue.add(A)
        queue.add(B)
        await finished.wait()
        assert done == [A, B]
        assert len(queue) == 0


async def test_what_is_added_while_it_is_done_is_done_once_more_and_never_twice_at_once() -> None:
    began, go, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()
    runs = busy = 0

    async def work(_key: Key) -> None:
        nonlocal runs, busy
        runs, busy = runs + 1, busy + 1
        assert busy == 1
        began.set()
        await go.wait()
        busy -= 1
        if runs == 2:
            finished.set()

    async with working(work) as queue:
        queue.add(A)
        await began.wait()
        queue.add(A)
        queue.add(A)
        go.set()
        await finished.wait()
    assert runs == 2


async def test_what_fails_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    tries = 0
    finished = asyncio.Event()

    async def work(_key: Key) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError("no answer")
        finished.set()

    async with working(work) as queue:
        queue.add(A)
        async with asyncio.timeout(5):
            await finished.wait()
    assert tries == 3


def test_an_app_is_found_by_what_it_refers_to_in_its_own_namespace() -> None:
    registry = Registry()
    registry.refer(A, [("ConfigMap", "code")])
    registry.refer(("other", "a"), [("ConfigMap", "code")])
    assert registry.referring("ConfigMap", "apps", "code") == [A]
    assert registry.referring("Secret", "apps", "code") == []
    registry.forget(A)
    assert registry.referring("ConfigMap", "apps", "code") == []


async def test_what_asks_for_another_look_comes_again_by_itself() -> None:
    seen: list[Key] = []
    done = asyncio.Event()

    async def work(key: Key) -> float | None:
        seen.append(key)
        if len(seen) == 3:
            done.set()
            return None
        return 0.01

    async with working(work) as queue:
        queue.add(A)
        await asyncio.wait_for(done.wait(), 5)
        assert seen == [A, A, A]


async def test_what_happens_within_a_while_is_looked_at_once() -> None:
    done: list[Key] = []
    seen = asyncio.Event()

    async def work(key: Key) -> None:
        done.append(key)
        seen.set()

    async with working(work) as queue:
        for _ in range(5):
            queue.add_within(A, 0.05)
        await seen.wait()
        await asyncio.sleep(0.1)  # a second look would have come by then
        assert done == [A]
        queue.add_within(A, 60.0)
        queue.add(A)
        queue.add_within(B, 0.0)
        seen.clear()
        await seen.wait()
        assert A in done[1:]
