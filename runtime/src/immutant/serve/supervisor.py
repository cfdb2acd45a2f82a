"""The process around the application: runs no user code, and so can always act.

Belongs here: starting the child, passing signals on, killing what outlives its deadline (rule 8),
ending with the child's status. Not here: restarting it; that is the launcher's or the kubelet's.
"""

import asyncio
import contextlib
import os
import signal
from typing import Any, Final

from immutant import transport
from immutant.clock import SystemClock
from immutant.contract.environment import Environment
from immutant.errors import CoordinatorError
from immutant.link import KillReason
from immutant.processes import ending, say
from immutant.serve.deadlines import Deadlines
from immutant.stopped import Mark

__all__ = ["supervise"]

_RECONNECT = 0.2
_TELL = 1.0
"""Seconds for the coordinator to hear of a kill; it may be what hangs."""

_SAID: Final[dict[KillReason, str]] = {
    "overdue": "the application did not stop at the end of a tenure and is killed",
    "silent": "the application does not answer (alive_within) and is killed",
    "hard_deadline": (
        "the application outlived a tenure with hard_deadline=True, frozen or too busy to read its "
        "renewals, and the kernel has killed it"
    ),
}
_CHUNK = 65536


async def supervise(environment: Environment, child: int, report: int, mark: Mark) -> int | None:
    """Watch over the child until it has ended.

    Args:
        environment: This replica's surroundings.
        child: The child's process id.
        report: The pipe in which the child reports its tenures.
        mark: Set when the child is to end, and this process to stay.

    Returns:
        The exit status for this process; None: it is to stay.
    """
    timings = environment.timings
    supervisor = _Supervisor(environment, child, Deadlines(timings.stop_margin), mark)
    return await supervisor.run(report, environment.grace + timings.margins)


class _Supervisor:
    def __init__(
        self, environment: Environment, child: int, deadlines: Deadlines, mark: Mark
    ) -> None:
        self._environment = environment
        self._child = child
        self._deadlines = deadlines
        self._mark = mark
        self._clock = SystemClock()
        self._changed = asyncio.Event()
        self._killed: KillReason | None = None

    async def run(self, report: int, patience: float) -> int | None:
        os.set_blocking(report, False)
        asyncio.get_running_loop().add_reader(report, self._read, report)
        end = ending(self._environment.lifeline)
        told = asyncio.create_task(end.wait())
        stopped = asyncio.create_task(self._mark.until(is_set=True))
        work = [
            told,
            stopped,
            asyncio.create_task(self._end({told, stopped}, patience)),
            asyncio.create_task(self._enforce()),
            asyncio.create_task(self._ask_coordinator()),
        ]
        try:
            status = await asyncio.to_thread(_wait_for, self._child)
        finally:  # from here on the child's number may be another process's
            was_stopped = stopped.done()  # though it may be started again by now
            for task in work:
                task.cancel()
        await self._tell_of_kill(status)
        return None if was_stopped and not end.is_set() else status

    def _read(self, report: int) -> None:
        data = os.read(report, _CHUNK)
        if data:
            self._deadlines.feed(data)
            self._changed.set()
        else:
            asyncio.get_running_loop().remove_reader(report)

    async def _end(self, reasons: set[asyncio.Task[Any]], patience: float) -> None:
        await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
        self._signal(signal.SIGTERM)
        await self._clock.sleep(patience)
        self._kill("grace", f"the application has not ended within {patience:g} s and is killed")

    async def _enforce(self) -> None:
        """Kill the child when a tenure outlives its deadline by the stop margin.

        Or when its loop does not answer within what a daemon has asked for (`alive_within`).
        """
        while (reason := self._why_kill()) is None:
            await self._wait_for_news()
        self._kill(reason, _SAID[reason])

    def _why_kill(self) -> KillReason | None:
        now = self._clock.now()
        overdue, silent = self._deadlines.overdue_at(), self._deadlines.silent_at()
        if overdue is not None and overdue <= now:
            return "overdue"
        if silent is not None and silent <= now:
            return "silent"
        return None

    async def _wait_for_news(self) -> None:
        """Wait until something changes or is due.

        A wait that took too long was a freeze of this process. The child will have been frozen
        with it, and has had no time to answer.
        """
        began, look = self._clock.now(), self._deadlines.look_every()
        ends = [self._deadlines.overdue_at(), self._deadlines.silent_at()]
        waits = [look, *(None if end is None else end - began for end in ends)]
        left = min((wait for wait in waits if wait is not None), default=None)
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), left)
        now = self._clock.now()
        if look is not None and now - began > 2 * look:
            self._deadlines.forgive(now)

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

    def _kill(self, reason: KillReason, said: str) -> None:
        self._killed = reason
        say(said)
        self._signal(signal.SIGKILL)

    async def _tell_of_kill(self, status: int) -> None:
        """Tell the coordinator of a kill; one by the kernel's timer nobody else could tell."""
        due = self._deadlines.hard_at()
        is_killed = status == _status(-signal.SIGKILL) and self._killed is None
        if is_killed and due is not None and due <= self._clock.now():
            self._killed = "hard_deadline"
            say(_SAID["hard_deadline"])
        if self._killed is not None:
            with contextlib.suppress(CoordinatorError):
                address, body = self._environment.coordinator, {"reason": self._killed}
                await transport.request(address, "POST", "/v1/killed", body, timeout=_TELL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)


def _wait_for(child: int) -> int:
    """Reap whatever ends until the child does; as process 1 orphans come to this one too."""
    while True:
        pid, status = os.wait()
        if pid == child:
            return _status(os.waitstatus_to_exitcode(status))


def _status(code: int) -> int:
    """The exit status by which a shell would tell a code of Python's."""
    return code if code >= 0 else 128 - code
