"""The process around the application: runs no user code, and so can always act.

Belongs here: starting the child, passing signals on, killing what outlives its deadline (rule 8),
ending with the child's status. Not here: restarting it; that is the launcher's or the kubelet's.
"""

import asyncio
import contextlib
import os
import signal

from immutant import transport
from immutant.clock import SystemClock
from immutant.contract.environment import Environment
from immutant.errors import CoordinatorError
from immutant.processes import ending, say
from immutant.serve.guard import Deadlines

__all__ = ["supervise"]

_RECONNECT = 0.2
_CHUNK = 65536


async def supervise(environment: Environment, child: int, report: int) -> int:
    """Watch over the child until it has ended; the exit status for this process.

    Args:
        environment: This replica's surroundings.
        child: The child's process id.
        report: The pipe in which the child reports its tenures.
    """
    timings = environment.timings
    supervisor = _Supervisor(environment, child, Deadlines(timings.stop_margin))
    return await supervisor.run(report, environment.grace + timings.margins)


class _Supervisor:
    def __init__(self, environment: Environment, child: int, deadlines: Deadlines) -> None:
        self._environment = environment
        self._child = child
        self._deadlines = deadlines
        self._clock = SystemClock()
        self._changed = asyncio.Event()

    async def run(self, report: int, patience: float) -> int:
        os.set_blocking(report, False)
        asyncio.get_running_loop().add_reader(report, self._read, report)
        end = ending(self._environment.lifeline)
        work = [
            asyncio.create_task(self._end(end, patience)),
            asyncio.create_task(self._enforce()),
            asyncio.create_task(self._ask_coordinator()),
        ]
        try:
            return await asyncio.to_thread(_wait_for, self._child)
        finally:
            for task in work:
                task.cancel()

    def _read(self, report: int) -> None:
        data = os.read(report, _CHUNK)
        if data:
            self._deadlines.feed(data)
            self._changed.set()
        else:
            asyncio.get_running_loop().remove_reader(report)

    async def _end(self, end: asyncio.Event, patience: float) -> None:
        await end.wait()
        self._signal(signal.SIGTERM)
        await self._clock.sleep(patience)
        say(f"the application has not ended within {patience:g} s and is killed")
        self._signal(signal.SIGKILL)

    async def _enforce(self) -> None:
        """Kill the child when a tenure outlives its deadline by the stop margin."""
        while True:
            self._changed.clear()
            overdue = self._deadlines.overdue_at()
            left = None if overdue is None else overdue - self._clock.now()
            if left is not None and left <= 0:
                say("the application did not stop at the end of a tenure and is killed")
                self._signal(signal.SIGKILL)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    async def _ask_coordinator(self) -> None:
        """Hear the deadlines from the coordinator as well.

        User code may keep the child too busy to hear that its tenure goes on; that alone is no
        reason to kill it.
        """
        while True:
            with contextlib.suppress(CoordinatorError):
                address = self._environment.coordinator
                async with transport.stream(address, "GET", "/v1/deadlines") as lines:
                    async for line in lines:
                        self._deadlines.extend(line)
                        self._changed.set()
            await self._clock.sleep(_RECONNECT)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)


def _wait_for(child: int) -> int:
    """Reap whatever ends until the child does; as process 1 orphans come to this one too."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
