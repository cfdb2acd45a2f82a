"""What a tenure tells the code that runs in it, in the loop and in threads."""

import asyncio
from collections.abc import Callable

import pytest

from immutant import BlockingTenure, Tenure, TenureLostError
from immutant.calls import in_thread
from immutant.errors import TenureEndedExit
from immutant.testing import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def tenure(clock: FakeClock) -> Tenure:
    return Tenure("daemon.heart", 7, clock, clock.now() + 2.5)


def begin(work: Callable[[], object]) -> asyncio.Task[object]:
    return asyncio.create_task(in_thread(work))


async def test_both_kinds_of_functions_are_told_the_same(tenure: Tenure, clock: FakeClock) -> None:
    for seen in (tenure, tenure.blocking):
        assert (seen.singleton, seen.token) == ("daemon.heart", 7)
        assert seen.expires_in() == 2.5
        assert not seen.stopping.is_set()
        assert not seen.lost.is_set()
        seen.check()
    await clock.advance(2.5)
    for seen in (tenure, tenure.blocking):
        with pytest.raises(TenureLostError):
            seen.check()


async def test_a_hand_over_sets_stopping_and_the_end_sets_lost_too(tenure: Tenure) -> None:
    tenure.stop()
    for seen in (tenure, tenure.blocking):
        assert (seen.stopping.is_set(), seen.lost.is_set()) == (True, False)
        seen.check()
    tenure.end()
    for seen in (tenure, tenure.blocking):
        assert (seen.stopping.is_set(), seen.lost.is_set()) == (True, True)
        with pytest.raises(TenureLostError):
            seen.check()


async def test_an_end_is_awaited_in_the_loop_and_in_a_thread(
    tenure: Tenure, clock: FakeClock
) -> None:
    waiting = [
        asyncio.ensure_future(tenure.lost),
        asyncio.ensure_future(tenure.lost.within("1h")),
        begin(tenure.blocking.lost.wait),
        begin(lambda: tenure.blocking.lost.wait("1h")),
        begin(lambda: asyncio.run(other_loop(tenure.blocking))),
    ]
    await clock.advance("1s")
    assert not any(one.done() for one in waiting)
    tenure.end()
    assert await asyncio.gather(*waiting) == [True] * len(waiting)


async def other_loop(tenure: BlockingTenure) -> bool:
    """A plain function may have a loop of its own."""
    return await asyncio.to_thread(tenure.lost.wait)


async def test_who_waits_no_longer_than_something_learns_whether_it_has_come(
    tenure: Tenure, clock: FakeClock
) -> None:
    waiting = [
        asyncio.ensure_future(tenure.stopping.within("3s")),
        begin(lambda: tenure.blocking.stopping.wait(3)),
    ]
    await clock.advance("2s")
    assert not any(one.done() for one in waiting)
    await clock.advance("2s")
    assert await asyncio.gather(*waiting) == [False, False]


async def test_sleep_ends_the_function_at_the_end_of_the_tenure(
    tenure: Tenure, clock: FakeClock
) -> None:
    sleeping = asyncio.ensure_future(tenure.sleep("1m"))
    await clock.advance("1s")
    tenure.stop()
    with pytest.raises(TenureEndedExit):
        await sleeping


async def test_code_shows_life_where_it_sleeps_counts_or_checks(
    tenure: Tenure, clock: FakeClock
) -> None:
    assert tenure.silence() == 0.0
    await clock.advance(2)
    assert tenure.silence() == 2.0
    tenure.blocking.check()
    assert tenure.silence() == 0.0
    sleeping = asyncio.ensure_future(tenure.sleep("1m"))
    await clock.advance(30)
    assert tenure.silence() == 0.0, "who sleeps is not silent"
    await clock.advance(31)
    assert sleeping.done()
    assert tenure.silence() == 1.0
    counts = tenure.every("10s")
    assert await anext(counts) == 0
    await clock.advance(5)
    assert tenure.silence() == 6.0
    counting = asyncio.ensure_future(anext(counts))
    await clock.advance(5)
    assert await counting == 1
    assert tenure.silence() == 0.0


async def test_a_loop_without_pauses_shows_life_with_each_turn(
    tenure: Tenure, clock: FakeClock
) -> None:
    counts = tenure.every(0)
    assert await anext(counts) == 0
    await clock.advance(5)
    turn = asyncio.ensure_future(anext(counts))
    await clock.advance(0)
    assert await turn == 1
    assert tenure.silence() == 0.0
