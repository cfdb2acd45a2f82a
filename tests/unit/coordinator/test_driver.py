import asyncio
import contextlib

import pytest

from immutant.clock import SystemClock
from immutant.coordinator.driver import Driver
from immutant.election import Timings
from immutant.embedded import EmbeddedBackend
from immutant.errors import CoordinatorError
from immutant.link import Candidacy

COUNTER = Candidacy("daemon", "counter")


async def test_who_has_to_wait_stands_in_no_other_incarnation_than_it_said_hello_to() -> None:
    clock = SystemClock()
    backend = await EmbeddedBackend.open(None, replica="demo-0", clock=clock)
    driver = Driver("demo", "demo-0", backend.leases, clock, Timings())
    driver.start()
    driver.meet("an application")
    async with contextlib.AsyncExitStack() as former:
        await former.enter_async_context(driver.stand(COUNTER))
        before = driver.incarnation

        async def stand() -> None:
            async with driver.stand(COUNTER):
                pytest.fail("it stands")

        waiting = asyncio.create_task(stand())
        await asyncio.sleep(0)  # it waits for the former candidacy to come to its end
        driver.meet("another application")
        with pytest.raises(CoordinatorError, match="say hello again"):
            await waiting
        assert driver.incarnation != before
    await driver.close()
    await backend.close()
