"""The clock that tests turn."""

import asyncio
import time

from immutant.testing.clock import FakeClock


async def test_what_is_due_runs_in_its_order_at_its_own_time() -> None:
    clock, seen = FakeClock(), list[tuple[str, float]]()
    start = clock.now()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        seen.append((name, clock.now() - start))

    tasks = [asyncio.create_task(sleeper(*what)) for what in [("b", 2.0), ("a", 1.0), ("c", 9.0)]]
    await clock.advance(5)
    assert seen == [("a", 1.0), ("b", 2.0)]
    assert clock.now() - start == 5.0
    await clock.advance("4s")
    await asyncio.gather(*tasks)
    assert seen[-1] == ("c", 9.0)


async def test_sleeps_that_begin_while_time_passes_are_taken_into_account() -> None:
    clock, ticks = FakeClock(), list[float]()
    start = clock.now()

    async def every_second() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.now() - start)

    task = asyncio.create_task(every_second())
    await clock.advance(3.5)
    task.cancel()
    assert ticks == [1.0, 2.0, 3.0]


async def test_a_cancelled_sleep_wakes_nobody() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.advance(0)
    task.cancel()
    await clock.advance(2)
    assert task.cancelled()


async def test_the_calendar_jumps_without_anything_becoming_due() -> None:
    clock = FakeClock(wall=1_000_000.0)
    task = asyncio.create_task(clock.sleep(10))
    clock.jump(-3600)
    await clock.advance(1)
    assert clock.wall() == 1_000_000.0 - 3600 + 1
    assert not task.done()
    task.cancel()


async def test_an_hour_takes_no_time() -> None:
    clock, began = FakeClock(), time.monotonic()

    async def busy() -> None:
        while True:
            await clock.sleep(1)

    task = asyncio.create_task(busy())
    await clock.advance("1h")
    task.cancel()
    assert time.monotonic() - began < 5
