"""The runs of a job's ticks on this replica: begun, cancelled, ended.

Belongs here: one task for each run, and its end by itself, by its timeout or for the next tick. Not
here: which tick is to run (`immutant.election.ticks`) and who hears how it went.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from typing import Any

from immutant.calls import Handler
from immutant.clock import Clock
from immutant.context import run_threads
from immutant.definitions import JobDefinition
from immutant.errors import StaleTenureError, TenureEndedExit, TenureLostError
from immutant.link import TickDue
from immutant.singletons.endings import first_of, see_ended
from immutant.singletons.running import call_to_the_end
from immutant.tenure import Tenure, Tick
from immutant.tracing import OFF, Tracer
from immutant.wording import worded

__all__ = ["TickRuns"]

_log = logging.getLogger("immutant.job")

Ended = Callable[[TickDue, str | None], Awaitable[None]]


class TickRuns:
    """What runs now of one job, in one tenure."""

    def __init__(
        self,
        job: JobDefinition,
        tenure: Tenure,
        clock: Clock,
        ended: Ended,
        tracer: Tracer = OFF,
    ) -> None:
        """Run nothing yet.

        Args:
            job: The job.
            tenure: In which its ticks run.
            clock: What their timeout is measured by.
            ended: Called with how each run went: "" when well, else the error; None when it has
                not ended, but its tenure has.
            tracer: Who hears of the runs.
        """
        self._job = job
        self._handler = Handler(job.function, offered=1)
        self._tenure = tenure
        self._clock = clock
        self._ended = ended
        self._tracer = tracer
        self._overtaken: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, due: TickDue) -> None:
        """Run a tick."""
        self._overtaken[due.id] = overtaken = asyncio.Event()
        task = asyncio.create_task(self._run(due, overtaken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def overtake(self, tick: str) -> None:
        """Cancel a run, if it goes on: the next tick is due."""
        if tick in self._overtaken:
            self._overtaken[tick].set()

    async def finish(self) -> None:
        """Return once all that runs has ended by itself."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def close(self) -> None:
        """Cancel all that runs, and return once it has ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await see_ended(tasks)

    async def _run(self, due: TickDue, overtaken: asyncio.Event) -> None:
        tick = Tick(due.id, due.scheduled_at, due.attempt, self._tenure)
        try:
            error = await self._error_of(tick, overtaken)
        except Exception as failure:  # it has ended all the same, and is to be said so
            _log.exception("tick %s could not be seen to its end", due.id)
            error = worded(failure)
        finally:
            if self._overtaken.get(due.id) is overtaken:
                del self._overtaken[due.id]
        await self._ended(due, error)

    async def _error_of(self, tick: Tick, overtaken: asyncio.Event) -> str | None:
        """Run it to its very end, what it began in threads included where it was told to end."""
        threads: set[Future[Any]] = set()
        run_threads.set(threads)
        call = asyncio.ensure_future(self._call(tick))
        order = asyncio.ensure_future(self._order(tick, overtaken))
        try:
            await asyncio.wait({call, order}, return_when=asyncio.FIRST_COMPLETED)
            if call.done():
                return call.result()
            tick.stopping.set()
            _log.warning("tick %s is cancelled, %s", tick.id, order.result())
            call.cancel()
            await see_ended([call])
            await _see_threads_ended(threads)
            return order.result()
        finally:
            tick.stopping.set()
            order.cancel()
            call.cancel()
            await see_ended([call])

    async def _call(self, tick: Tick) -> str | None:
        job, due = self._job.name, tick.scheduled_at
        late = self._clock.wall() - due
        try:
            tick.tenure.check()
            with self._tracer.running(job, tick.id, tick.attempt, due, late):
                await call_to_the_end(self._handler, tick)
        except (TenureEndedExit, TenureLostError, StaleTenureError):
            return None
        except Exception as failure:
            _log.exception("job %r failed on its tick %s", job, tick.id)
            return worded(failure)
        return ""

    async def _order(self, tick: Tick, overtaken: asyncio.Event) -> str:
        """Return when the run is to be cancelled, with the reason."""
        timer = asyncio.ensure_future(self._run_out())
        try:
            await first_of(asyncio.shield(timer), overtaken.wait(), tick.tenure.stopping.wait())
            if tick.tenure.stopping.is_set():
                tick.stopping.set()  # its tenure cancels it when its grace is over
                await first_of(asyncio.shield(timer), overtaken.wait())
            if overtaken.is_set():
                return "CancelledError: the next tick is due"
            return f"TimeoutError: it took longer than {self._job.schedule.timeout:g} s"
        finally:
            timer.cancel()

    async def _run_out(self) -> None:
        """Return when a run that begins now has taken too long."""
        timeout = self._job.schedule.timeout
        await (asyncio.Event().wait() if timeout is None else self._clock.sleep(timeout))


async def _see_threads_ended(threads: Iterable["Future[Any]"]) -> None:
    """Nobody can stop a thread: it has to look at `tick.stopping`."""
    await see_ended(asyncio.wrap_future(one) for one in tuple(threads) if not one.done())
