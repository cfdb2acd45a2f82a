"""What the child owes the supervisor: which tenures it runs, until when.

Belongs here: the pipe's two ends. The child says what it holds and until when, and what has
stopped; the supervisor kills it when something outlives its deadline by the stop margin.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from immutant.link import Candidacy, Event, Granted, Heartbeat, Link, Outcome

__all__ = ["Deadlines", "GuardedLink"]


class GuardedLink:
    """A link whose tenures are reported to the supervisor."""

    def __init__(self, link: Link, report: int) -> None:
        """Wrap a link.

        Args:
            link: The link to the coordinator.
            report: The file descriptor that the supervisor reads.
        """
        self._link = link
        self._report = report
        self._unsaid: dict[str, tuple[float | None, bool]] = {}
        os.set_blocking(report, False)

    @asynccontextmanager
    async def stand(self, candidacy: Candidacy) -> AsyncIterator[AsyncIterator[Event]]:
        async with self._link.stand(candidacy) as events:
            yield self._watched(events)

    def ending(self, tenure: str, not_after: float) -> None:
        self._say(tenure, not_after, is_final=True)
        self._link.ending(tenure, not_after)

    async def stopped(self, tenure: str) -> None:
        self._say(tenure, None)
        await self._link.stopped(tenure)

    async def done(self, tenure: str, outcome: Outcome) -> None:
        await self._link.done(tenure, outcome)

    async def drain(self, reason: str, grace: float) -> None:
        await self._link.drain(reason, grace)

    async def close(self) -> None:
        await self._link.close()

    async def _watched(self, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        tenure = ""
        async for event in events:
            if isinstance(event, Granted):
                tenure = event.tenure
            if isinstance(event, Granted | Heartbeat):
                self._say(tenure, event.not_after)
            yield event

    def _say(self, tenure: str, not_after: float | None, *, is_final: bool = False) -> None:
        self._unsaid[tenure] = (not_after, is_final)
        self._flush()

    def _flush(self) -> None:
        """Say what is unsaid; a supervisor that does not read must not stop the application."""
        loop = asyncio.get_running_loop()
        for tenure, (not_after, is_final) in list(self._unsaid.items()):
            line = json.dumps([tenure, not_after, is_final]).encode() + b"\n"
            try:
                os.write(self._report, line)
            except BlockingIOError:
                loop.add_writer(self._report, self._flush)
                return
            del self._unsaid[tenure]
        loop.remove_writer(self._report)


class Deadlines:
    """The supervisor's end: what the child holds, and when it is overdue."""

    def __init__(self, stop_margin: float) -> None:
        self._stop_margin = stop_margin
        self._held: dict[str, float] = {}
        self._final: set[str] = set()
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take what was read from the pipe."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            tenure, not_after, is_final = json.loads(line)
            if not_after is None:
                self._held.pop(tenure, None)
                self._final.discard(tenure)
            else:
                self._held[tenure] = max(not_after, self._held.get(tenure, 0.0))
                if is_final:
                    self._final.add(tenure)

    def extend(self, deadlines: dict[str, float]) -> None:
        """Take the coordinator's word, for a child that is too busy to hear it."""
        for tenure in (self._held.keys() & deadlines.keys()) - self._final:
            self._held[tenure] = max(self._held[tenure], deadlines[tenure])

    def overdue_at(self) -> float | None:
        """When the child has to be killed if nothing changes; None: never."""
        return min(self._held.values()) + self._stop_margin if self._held else None
