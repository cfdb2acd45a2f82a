"""What a replica does in a tenure: run a daemon, or a job's ticks."""

import asyncio
import logging
from typing import Protocol

from immutant.calls import Handler
from immutant.clock import Clock
from immutant.definitions import DaemonDefinition, JobDefinition
from immutant.errors import CoordinatorError
from immutant.link import Candidacy, Failure, Link, Outcome, TickDue, TickOvertaken
from immutant.singletons.running import Restarts, keep_running
from immutant.singletons.tickruns import TickRuns
from immutant.tenure import Tenure
from immutant.tracing import OFF, Tracer

__all__ = ["DaemonDuty", "Duty", "JobDuty", "Ticks"]

_log = logging.getLogger("immutant.job")
_daemon_log = logging.getLogger("immutant.daemon")

Ticks = asyncio.Queue[TickDue | TickOvertaken]

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

    def __init__(self, definition: DaemonDefinition, link: Link, clock: Clock) -> None:
        self.candidacy = Candidacy(
            "daemon",
            definition.name,
            hard_deadline=definition.hard_deadline,
            prefer=definition.prefer,
        )
        self.alive_within = definition.alive_within
        self._handler = Handler(definition.function, offered=1)
        self._attempts = definition.attempts
        self._link = link
        self._clock = clock

    async def perform(self, tenure: Tenure, tenure_id: str, ticks: Ticks) -> None:
        async def tell(failure: Failure) -> None:
            try:
                await self._link.failed(tenure_id, failure)
            except CoordinatorError as error:  # it is of the version before, or begins anew
                _daemon_log.debug("a failure of %s is not told: %s", self.candidacy.name, error)

        restarts = Restarts(self.candidacy.name, self._attempts, tell)
        await keep_running(restarts, self._handler, tenure, self._clock)


class JobDuty:
    """Run a job's ticks as they come, and say how each went."""

    alive_within: float | None = None

    def __init__(
        self, definition: JobDefinition, link: Link, clock: Clock, tracer: Tracer = OFF
    ) -> None:
        schedule = definition.schedule.to_json()
        self.candidacy = Candidacy(
            "job", definition.name, schedule, definition.hard_deadline, definition.prefer
        )
        self._definition = definition
        self._link = link
        self._clock = clock
        self._tracer = tracer

    async def perform(self, tenure: Tenure, tenure_id: str, ticks: Ticks) -> None:
        given_up = asyncio.Event()

        async def ended(due: TickDue, error: str | None) -> None:
            is_told = error is not None and await self._tell(
                tenure, tenure_id, Outcome(due.id, error, due.attempt)
            )
            if not is_told and not tenure.stopping.is_set():
                given_up.set()  # whoever holds the job next runs this tick again

        runs = TickRuns(self._definition, tenure, self._clock, ended, self._tracer)
        hearing = asyncio.ensure_future(_hear(ticks, runs))
        ends = [asyncio.ensure_future(one.wait()) for one in (tenure.stopping, given_up)]
        try:
            await asyncio.wait({hearing, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                hearing.result()
            hearing.cancel()
            if not given_up.is_set():
                await runs.finish()
        finally:
            for one in (hearing, *ends):
                one.cancel()
            await runs.close()

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


async def _hear(ticks: Ticks, runs: TickRuns) -> None:
    while True:
        event = await ticks.get()
        if isinstance(event, TickDue):
            runs.begin(event)
        else:
            runs.overtake(event.id)
