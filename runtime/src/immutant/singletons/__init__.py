"""The application's side of singletons: standing for election, and running what was won.

Belongs here: everything between a link's events and the user's daemons and jobs. Not here: who
holds what (`immutant.election`, in the coordinator).
"""

import asyncio
import contextlib
from collections.abc import Sequence

from immutant.clock import Clock
from immutant.definitions import DaemonDefinition, JobDefinition
from immutant.errors import CoordinatorError
from immutant.link import Link
from immutant.singletons.candidate import Candidate
from immutant.singletons.duties import DaemonDuty, Duty, JobDuty
from immutant.singletons.resident import Resident
from immutant.tracing import OFF, Tracer

__all__ = ["Resident", "Singletons"]


class Singletons:
    """All daemons and jobs of which the cluster has one, on one replica."""

    def __init__(
        self,
        daemons: Sequence[DaemonDefinition],
        jobs: Sequence[JobDefinition],
        link: Link,
        clock: Clock,
        tracer: Tracer = OFF,
    ) -> None:
        self._link = link
        duties: list[Duty] = [
            *(DaemonDuty(daemon, link, clock) for daemon in daemons),
            *(JobDuty(job, link, clock, tracer) for job in jobs),
        ]
        self._candidates = [Candidate(duty, link, clock) for duty in duties]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Stand for everything."""
        self._tasks = [asyncio.create_task(candidate.run()) for candidate in self._candidates]

    async def drain(self, grace: float) -> None:
        """Hand everything over within `grace` seconds, and stand for nothing more."""
        for candidate in self._candidates:
            candidate.withdraw()
        if self._candidates:
            # Without a coordinator the streams have ended, and the tenures with them.
            with contextlib.suppress(CoordinatorError):
                await self._link.drain("the replica is stopping", grace)
        await self.stop()

    async def stop(self) -> None:
        """End everything now."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
