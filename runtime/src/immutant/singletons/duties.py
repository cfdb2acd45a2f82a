"""What a replica does in a tenure: run a daemon, or a job's ticks."""

import asyncio
import logging
from typing import Protocol

from immutant.calls import Handler
from immutant.clock import Clock
from immutant.definitions import DaemonDefinition, JobDefinition
from immutant.errors import CoordinatorError
from immutant.link import Candidacy, Link, Outcome, TickDue
from immutant.singletons.running import keep_running, run_tick
from immutant.tenure import Tenure, Tick

__all__ = ["DaemonDuty", "Duty", "JobDuty", "Ticks"]

_log = logging.getLogger("immutant.job")

Ticks = asyncio.Queue[TickDue]

_RETELL = 0.2


class Duty(Protocol):
    """What is done in one tenure after the other.

    Attributes:
        candidacy: What it stands for.
        alive_within: Seconds within which its code shows life; None: it need not.
    """

    candidacy: Candidacy
    alive_within: float | None

    async def perform(self, tenure: Tenure, tenure_id: str, ticks: Ticks) -> None:
        """Do it until `tenure.stopping` is set, and return when nothing of it runs any more."""


class DaemonDuty:
    """Keep a daemon running."""

    def __init__(self, definition: DaemonDefinition, clock: Clock) -> None:
        self.candidacy = Candidacy(
            "daemon", definition.name, hard_deadline=definition.hard_deadline
        )
        self.alive_within = definition.alive_within
        self._handler = Handler(definition.function, offered=1)
        self._clock = clock

    async def perform(self, tenure: Tenure, tenure_id: str, ticks: Ticks) -> None:
        await keep_running(self.candidacy.name, self._handler, tenure, self._clock)


class JobDuty:
    """Run a job's ticks as they come, one at a time, and say how each went."""

    alive_within: float | None = None

    def __init__(self, definition: JobDefinition, link: Link, clock: Clock) -> None:
        schedule = definition.schedule.to_json()
        self.candidacy = Candidacy("job", definition.name, schedule, definition.hard_deadline)
        self._handler = Handler(definition.function, offered=1)
        self._link = link
        self._clock = clock

    async def perform(self, tenure: Tenure, tenure_id: str, ticks: Ticks) -> None:
        stop = asyncio.ensure_future(tenure.stopping.wait())
        due = asyncio.ensure_future(ticks.get())
        try:
            while not stop.done():
                await asyncio.wait({due, stop}, return_when=asyncio.FIRST_COMPLETED)
                if due.done():
                    if not await self._run(due.result(), tenure, tenure_id):
                        return  # whoever holds the job next runs this tick again
                    due = asyncio.ensure_future(ticks.get())
        finally:
            stop.cancel()
            due.cancel()

    async def _run(self, due: TickDue, tenure: Tenure, tenure_id: str) -> bool:
        """Run one tick and say how it went; False when it has not ended, but its tenure has."""
        tick = Tick(due.id, due.scheduled_at, due.attempt, tenure)
        error = await run_tick(self.candidacy.name, self._handler, tick)
        if error is None:
            return False
        return await self._tell(tenure, tenure_id, Outcome(due.id, error))

    async def _tell(self, tenure: Tenure, tenure_id: str, outcome: Outcome) -> bool:
        """Say how the run went until it is heard: else the tick would stay open for ever."""
        while not tenure.lost.is_set():
            try:
                await self._link.done(tenure_id, outcome)
            except CoordinatorError as failure:
                _log.warning("the end of tick %s cannot be told yet: %s", outcome.tick, failure)
                await self._clock.sleep(_RETELL)
            else:
                return True
        return False
