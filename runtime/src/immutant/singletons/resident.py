"""A daemon or a job that every replica runs by itself, without an election.

Belongs here: running it for the replica's life. Not here: those of which the cluster has one
(`candidate`, `duties`).
"""

import asyncio

from immutant.calls import Handler
from immutant.clock import Clock
from immutant.definitions import DaemonDefinition, JobDefinition
from immutant.election.ticks import Ticker
from immutant.running import Replica
from immutant.services.pausing import cancel_all, finish_within
from immutant.singletons.running import keep_running, run_tick
from immutant.tenure import Tenure, Tick

__all__ = ["Resident"]

_LONGEST_SLEEP = 3600.0


class Resident:
    """One such daemon or job on this replica.

    Its tenure is the replica's life. It fences nothing: the same of another replica is no rival.
    """

    def __init__(self, definition: DaemonDefinition | JobDefinition, replica: Replica) -> None:
        self._definition = definition
        self._clock = replica.clock
        kind = "daemon" if isinstance(definition, DaemonDefinition) else "job"
        self._tenure = Tenure(f"{kind}.{definition.name}@{replica.name}", 0, replica.clock)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to run it."""
        handler = Handler(self._definition.function, offered=1)
        if isinstance(self._definition, JobDefinition):
            work = _run_ticks(self._definition, handler, self._tenure, self._clock)
        else:
            work = keep_running(self._definition.name, handler, self._tenure, self._clock)
        self._tasks = [asyncio.create_task(work)]

    async def drain(self, grace: float) -> None:
        """Let it end between its steps; cancel it after `grace` seconds."""
        self._tenure.stop()
        await finish_within(self._tasks, grace, self._clock)

    async def stop(self) -> None:
        """End it now."""
        self._tenure.end()
        await cancel_all(self._tasks)


async def _run_ticks(job: JobDefinition, handler: Handler, tenure: Tenure, clock: Clock) -> None:
    """Run the ticks as they come due; what came due while the replica was down is gone."""
    ticker = Ticker(job.name, job.schedule)
    ticker.begin("")
    stop = asyncio.ensure_future(tenure.stopping.wait())
    try:
        while not stop.done():
            body = ticker.propose(clock.wall(), claim=True)
            due = ticker.committed(tenure.not_after) if body is not None else None
            if due is None:
                pause = min(max(0.0, ticker.next_wall() - clock.wall()), _LONGEST_SLEEP)
                nap = asyncio.ensure_future(clock.sleep(pause))
                await asyncio.wait({nap, stop}, return_when=asyncio.FIRST_COMPLETED)
                nap.cancel()
                continue
            tick = Tick(due.id, due.scheduled_at, due.attempt, tenure)
            ticker.done(due.id, await run_tick(job.name, handler, tick) or "")
    finally:
        stop.cancel()
