"""A link to a coordinator in the same process, for tests of applications."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from immutant.coordinator.driver import Driver
from immutant.link import Candidacy, Command, Event, Failure, JobStatus, Outcome

__all__ = ["LocalLink"]


class LocalLink:
    """See `immutant.link.Link`; calls go straight to the driver."""

    def __init__(self, driver: Driver, process: str) -> None:
        self._driver = driver
        self._process = process
        driver.meet(process)

    def stand(self, candidacy: Candidacy) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        return self._driver.stand(candidacy)

    def alive(self, tenure: str, within: float) -> None:
        """Nothing: nobody beyond this link could end the process."""

    def ending(self, tenure: str, not_after: float) -> None:
        """Nothing: nobody beyond this link could end the process."""

    async def stopped(self, tenure: str) -> None:
        self._driver.stopped(tenure)

    async def done(self, tenure: str, outcome: Outcome) -> None:
        self._driver.done(tenure, outcome)

    async def failed(self, tenure: str, failure: Failure) -> None:
        self._driver.failed(tenure, failure)

    async def ready(self) -> None:
        self._driver.ready(self._process)

    async def drain(self, reason: str, grace: float) -> None:
        await self._driver.drain(self._process, reason, grace)

    async def job(self, name: str) -> JobStatus:
        return await self._driver.jobs.status(name)

    async def command(self, job: str, command: Command) -> JobStatus:
        return await self._driver.jobs.command(job, command)

    async def close(self) -> None:
        await self._driver.close()
