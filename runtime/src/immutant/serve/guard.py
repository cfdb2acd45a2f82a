"""The child's word to the supervisor: which tenures it runs, until when, and signs of life.

Belongs here: the pipe's end in the child, and the kernel's timer beside it. The child says what it
holds and until when, and what has stopped; the supervisor kills it when something outlives its
deadline by the stop margin (`deadlines`). Of tenures with a hard deadline the kernel does so by
itself.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from typing import Protocol

from immutant.clock import Clock
from immutant.link import (
    Candidacy,
    Command,
    Event,
    Failure,
    Granted,
    Heartbeat,
    JobStatus,
    Link,
    Outcome,
)
from immutant.serve.deadlines import Deadlines, Owed

__all__ = ["GuardedLink", "HardDeadline", "Timer"]


class Timer(Protocol):
    """What kills this process at an instant; see `immutant.serve.kernel_timer`."""

    def set(self, at: float | None) -> None:
        """Do it at that instant; None: never."""


class HardDeadline:
    """The kernel's timer, set to the first instant at which the supervisor would have to kill.

    Not to `not_after` itself: then each tenure that ends for want of renewals, as all do while the
    API server is away, would cost the application. Nobody else begins before the margins are over.
    """

    def __init__(self, timer: Timer, clock: Clock, stop_margin: float) -> None:
        self._timer = timer
        self._clock = clock
        self._deadlines = Deadlines(stop_margin)

    def owe(self, owed: Owed) -> None:
        """Set the timer by what is owed now.

        A tenure that is over before the application hears of it is not run, and owes nothing.
        """
        known = owed.tenure in self._deadlines
        if known or (owed.not_after is not None and self._clock.now() < owed.not_after):
            self._deadlines.owe(owed)
            self._timer.set(self._deadlines.overdue_at())


class GuardedLink:
    """A link whose tenures are reported to the supervisor."""

    def __init__(self, link: Link, report: int, clock: Clock, hard: HardDeadline | None) -> None:
        """Wrap a link.

        Args:
            link: The link to the coordinator.
            report: The file descriptor that the supervisor reads.
            clock: The machine's clock.
            hard: What ends this process at its hard deadlines; None: it has none.
        """
        self._link = link
        self._report = report
        self._clock = clock
        self._hard = hard
        self._owed: dict[str, Owed] = {}
        self._unsaid: dict[str, Owed] = {}
        os.set_blocking(report, False)

    @asynccontextmanager
    async def stand(self, candidacy: Candidacy) -> AsyncIterator[AsyncIterator[Event]]:
        async with self._link.stand(candidacy) as events:
            yield self._watched(events, candidacy.hard_deadline and self._hard is not None)

    def alive(self, tenure: str, within: float) -> None:
        until = self._clock.now() + within
        self._say(replace(self._of(tenure), alive_within=within, alive_until=until))
        self._link.alive(tenure, within)

    def ending(self, tenure: str, not_after: float) -> None:
        final = replace(self._of(tenure), not_after=not_after, is_final=True)
        # From here on the deadline says when it must have ended; what ends answers nothing.
        self._say(replace(final, alive_within=None, alive_until=None))
        self._link.ending(tenure, not_after)

    async def stopped(self, tenure: str) -> None:
        self._say(replace(self._of(tenure), not_after=None))
        await self._link.stopped(tenure)

    async def done(self, tenure: str, outcome: Outcome) -> None:
        await self._link.done(tenure, outcome)

    async def failed(self, tenure: str, failure: Failure) -> None:
        await self._link.failed(tenure, failure)

    async def ready(self) -> None:
        await self._link.ready()

    async def drain(self, reason: str, grace: float) -> None:
        await self._link.drain(reason, grace)

    async def job(self, name: str) -> JobStatus:
        return await self._link.job(name)

    async def command(self, job: str, command: Command) -> JobStatus:
        return await self._link.command(job, command)

    async def close(self) -> None:
        await self._link.close()

    async def _watched(self, events: AsyncIterator[Event], is_hard: bool) -> AsyncIterator[Event]:
        tenure = ""
        async for event in events:
            if isinstance(event, Granted):
                tenure = event.tenure
                self._say(Owed(tenure, event.not_after, is_hard=is_hard))
            elif isinstance(event, Heartbeat):
                self._say(replace(self._of(tenure), not_after=event.not_after))
            yield event

    def _of(self, tenure: str) -> Owed:
        return self._owed.get(tenure, Owed(tenure))

    def _say(self, owed: Owed) -> None:
        if owed.not_after is None:
            self._owed.pop(owed.tenure, None)
        else:
            self._owed[owed.tenure] = owed
        if self._hard is not None and owed.is_hard:
            self._hard.owe(owed)
        self._unsaid[owed.tenure] = owed
        self._flush()

    def _flush(self) -> None:
        """Say what is unsaid; a supervisor that does not read must not stop the application."""
        loop = asyncio.get_running_loop()
        for tenure, owed in list(self._unsaid.items()):
            line = json.dumps(asdict(owed)).encode() + b"\n"
            try:
                os.write(self._report, line)
            except BlockingIOError:
                loop.add_writer(self._report, self._flush)
                return
            del self._unsaid[tenure]
        loop.remove_writer(self._report)
