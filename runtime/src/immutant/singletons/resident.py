"""A daemon or a job that every replica runs by itself, without an election.

Belongs here: running it for the replica's life. Not here: those of which the cluster has one
(`candidate`, `duties`).
"""

import asyncio

from immutant.calls import Handler
from immutant.definitions import DaemonDefinition, JobDefinition
from immutant.election.ticks import Ticker
from immutant.link import TickDue
from immutant.running import Replica
from immutant.services.pausing import cancel_all, finish_within
from immutant.singletons.endings import first_of
from immutant.singletons.running import Restarts, keep_running
from immutant.singletons.tickruns import TickRuns
from immutant.tenure import Tenure

__all__ = ["Resident"]

_LONGEST_SLEEP = 3600.0


class Resident:
    """One such daemon or job on this replica.

    Its tenure is the replica's life. It fences nothing: the same of another replica is no rival.
    """

    def __init__(self, definition: DaemonDefinition | JobDefinition, replica: Replica) -> None:
        self._definition = definition
        self._clock = replica.clock
        self._replica = replica
        kind = "daemon" if isinstance(definition, DaemonDefinition) else "job"
        self._tenure = Tenure(f"{kind}.{definition.name}@{replica.name}", 0, replica.clock)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to run it."""
        if isinstance(self._definition, JobDefinition):
            work = _run_ticks(self._definition, self._tenure, self._replica)
        else:
            handler = Handler(self._definition.function, offered=1)
            restarts = Restarts(self._definition.name)
            work = keep_running(restarts, handler, self._tenure, self._clock)
        self._tasks = [asyncio.create_task(work)]

    async def drain(self, grace: float) -> None:
        """Let it end between its steps; cancel it after `grace` seconds."""
        self._tenure.stop()
        await finish_within(self._tasks, grace, self._clock)

    async def stop(self) -> None:
        """End it now."""
        self._tenure.end()
        await cancel_all(self._tasks)


async def _run_ticks(job: JobDefinition, tenure: Tenure, replica: Replica) -> None:
    """Run the ticks as they come due; what came due while the replica was down is gone."""
    ticker = Ticker(job.name, job.schedule, member=replica.name, salt=tenure.singleton)
    clock, news = replica.clock, asyncio.Event()

    async def ended(due: TickDue, error: str | None) -> None:
        ticker.done(due.id, error or "", due.attempt)
        news.set()

    runs = TickRuns(job, tenure, clock, ended, replica.tracer)
    try:
        while not tenure.stopping.is_set():
            news.clear()
            body = ticker.propose(clock.wall(), claim=True)
            for tick in ticker.overtaken():
                runs.overtake(tick)
            if body is None:
                pause = min(max(0.0, ticker.next_wall() - clock.wall()), _LONGEST_SLEEP)
                await first_of(clock.sleep(pause), tenure.stopping.wait(), news.wait())
            elif (due := ticker.committed(body, tenure.not_after)) is not None:
                runs.begin(due)
        await runs.finish()
    finally:
        await runs.close()
