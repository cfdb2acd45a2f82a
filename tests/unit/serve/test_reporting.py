"""When the coordinator is told what the application has counted."""

import asyncio

from immutant.counting import Series, Tally
from immutant.errors import CoordinatorError
from immutant.serve.reporting import Reporting
from immutant.testing import FakeClock


class Ear:
    def __init__(self) -> None:
        self.told: list[float] = []
        self.is_deaf = False

    async def tell(self, series: tuple[Series, ...]) -> None:
        if self.is_deaf:
            raise CoordinatorError("nobody answers")
        self.told.append(sum(one.value for one in series))


async def test_it_tells_at_once_every_two_seconds_and_at_the_end() -> None:
    tally, ear, clock = Tally(), Ear(), FakeClock()
    async with Reporting(tally, ear, clock):
        await clock.advance(0.1)
        tally.add("immutant_sessions_created")
        await clock.advance(2.0)
        tally.add("immutant_sessions_created")
        assert ear.told == [0, 1]
    assert ear.told == [0, 1, 2]


async def test_a_coordinator_that_does_not_answer_is_told_the_next_time() -> None:
    tally, ear, clock = Tally(), Ear(), FakeClock()
    ear.is_deaf = True
    async with Reporting(tally, ear, clock):
        tally.add("immutant_sessions_created")
        await clock.advance(5.0)
        ear.is_deaf = False
        await clock.advance(2.0)
        assert ear.told == [1]
        ear.is_deaf = True


async def test_the_end_does_not_wait_for_a_coordinator_that_hangs() -> None:
    class Hung(Ear):
        async def tell(self, series: tuple[Series, ...]) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(5), Reporting(Tally(), Hung(), FakeClock()):
        pass
