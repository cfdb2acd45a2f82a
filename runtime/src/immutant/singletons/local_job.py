"""A job that every replica runs by itself: the same schedules, no lease."""

import asyncio
import logging

from immutant.calls import Handler
from immutant.clock import Clock
from immutant.definitions import JobDefinition
from immutant.election.ticks import Ticker
from immutant.errors import TenureEndedExit
from immutant.tenure import Tenure, Tick

__all__ = ["run_locally"]

_log = logging.getLogger("immutant.job")

_LONGEST_SLEEP = 3600.0


async def run_locally(job: JobDefinition, clock: Clock) -> None:
    """Run the job's ticks until cancelled; what came due while the replica was down is gone."""
    ticker, handler = Ticker(job.name, job.schedule), Handler(job.function, offered=1)
    tenure = Tenure(f"job.{job.name}", 0, clock)
    ticker.begin("")
    while True:
        body = ticker.propose(clock.wall(), claim=True)
        due = ticker.committed(tenure.not_after) if body is not None else None
        if due is None:
            await clock.sleep(min(max(0.0, ticker.next_wall() - clock.wall()), _LONGEST_SLEEP))
            continue
        error = ""
        try:
            await handler(Tick(due.id, due.scheduled_at, due.attempt, tenure))
        except TenureEndedExit:
            return
        except asyncio.CancelledError:
            raise
        except Exception as failure:
            _log.exception("job %r failed on its tick %s", job.name, due.id)
            error = f"{type(failure).__name__}: {failure}"
        ticker.done(due.id, error)
