"""One candidacy: stand, run what is granted, answer, stand again.

Belongs here: the life of tenures on the application's side, and their deadline. Not here: what is
done in a tenure (`duties`).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from immutant.clock import Clock
from immutant.context import acting_tenure
from immutant.errors import CoordinatorError, RequestRefusedError
from immutant.link import (
    ANSWERED,
    Event,
    Failure,
    Granted,
    Heartbeat,
    Link,
    Probe,
    Revoked,
    Stopping,
    TickDue,
    TickOvertaken,
)
from immutant.singletons.duties import Duty, Ticks
from immutant.singletons.endings import see_ended
from immutant.tenure import Tenure

__all__ = ["Candidate"]

_RETRY = 0.1
"""Seconds before standing again: a coordinator that restarts needs about as long."""

_ROUNDS_TO_READ = 10
"""Turns of the loop from bytes in a socket's buffer to the event; about three are needed."""

_log = logging.getLogger("immutant.singleton")


class _Grace:
    """The time to end between steps; of two, as of a move and a drain, the shorter counts."""

    def __init__(self, clock: Clock) -> None:
        self._over = asyncio.Event()
        self._clock = clock
        self._running: list[asyncio.Task[None]] = []

    def begin(self, name: str, seconds: float) -> None:
        """Let it end after so many seconds, unless it ends before."""
        self._running.append(asyncio.create_task(self._run(name, seconds)))

    async def wait(self) -> None:
        """Return at its end."""
        await self._over.wait()

    def cancel(self) -> None:
        """Let it end never."""
        for task in self._running:
            task.cancel()

    async def _run(self, name: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        _log.warning("%s: not done within %.1f s of grace", name, seconds)
        self._over.set()


class Candidate:
    """Stands for one singleton for as long as this replica runs."""

    def __init__(self, duty: Duty, link: Link, clock: Clock) -> None:
        self._duty = duty
        self._link = link
        self._clock = clock
        self._withdrawn = False
        self._said = ""
        self._name = f"{duty.candidacy.kind}.{duty.candidacy.name}"

    def withdraw(self) -> None:
        """Stand no more; the tenure that runs ends by the link's `stopping`."""
        self._withdrawn = True

    async def run(self) -> None:
        """Stand until withdrawn or cancelled."""
        while not self._withdrawn:
            try:
                async with self._link.stand(self._duty.candidacy) as events:
                    await self._serve(events)
            except CoordinatorError as error:
                self._complain(error)
            except Exception:
                _log.exception("%s: standing failed, and is tried again", self._name)
            await self._clock.sleep(_RETRY)

    def _complain(self, error: CoordinatorError) -> None:
        """Say once why this replica may not stand; that nobody answers yet is no news."""
        said = str(error)
        is_news = said != self._said and isinstance(error, RequestRefusedError)
        self._said = said
        _log.log(logging.ERROR if is_news else logging.DEBUG, "%s: %s", self._name, said)

    async def _serve(self, events: AsyncIterator[Event]) -> None:
        """Wait to be elected, then serve the tenure to its end."""
        granted = await anext(events, None)
        while isinstance(granted, Probe):
            with contextlib.suppress(CoordinatorError):
                await self._link.ready()
            granted = await anext(events, None)
        if not isinstance(granted, Granted):
            return
        tenure = Tenure(self._name, int(granted.token), self._clock, granted.not_after)
        try:
            if tenure.expires_in() > 0:
                await self._serve_tenure(tenure, granted.tenure, events)
        finally:
            with contextlib.suppress(CoordinatorError):
                await self._link.stopped(granted.tenure)

    async def _serve_tenure(
        self, tenure: Tenure, tenure_id: str, events: AsyncIterator[Event]
    ) -> None:
        _log.info("%s runs here now, with token %d", self._name, tenure.token)
        ticks: Ticks = asyncio.Queue()
        grace = _Grace(self._clock)
        life = asyncio.create_task(self._show_life(tenure, tenure_id))
        ends: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._perform(tenure, tenure_id, ticks)),
            asyncio.create_task(self._hear(events, tenure, ticks, grace)),
            asyncio.create_task(self._until(tenure)),
            asyncio.create_task(grace.wait()),
            life,
        ]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tenure.end()
            grace.cancel()
            for task in ends:
                task.cancel()
            self._link.ending(tenure_id, tenure.not_after)
            await see_ended(ends)
            while threads := [one for one in tuple(tenure.threads) if not one.done()]:
                await see_ended(map(asyncio.wrap_future, threads))
            for end in ends:
                if not end.cancelled() and (error := end.exception()):
                    _log.error("%s: the tenure ended by an error", self._name, exc_info=error)
            if not life.cancelled() and not life.exception() and (silence := life.result()):
                with contextlib.suppress(CoordinatorError):
                    await self._link.failed(tenure_id, Failure(silence, 1, elsewhere=False))
            _log.info("%s has stopped here", self._name)

    async def _perform(self, tenure: Tenure, tenure_id: str, ticks: Ticks) -> None:
        acting_tenure.set(tenure)
        await self._duty.perform(tenure, tenure_id, ticks)

    async def _hear(
        self, events: AsyncIterator[Event], tenure: Tenure, ticks: Ticks, grace: _Grace
    ) -> None:
        """Follow the events; returns when the tenure must not go on.

        That is so as well when the stream ends: whoever could renew the tenure is gone, and the
        sooner this replica stops the sooner another one may go on.
        """
        async for event in events:
            if isinstance(event, Heartbeat):
                # Perhaps read after the former deadline, by a loop that was busy: the coordinator
                # sends none for a tenure that it has not kept all the time.
                tenure.not_after = max(tenure.not_after, event.not_after)
            elif isinstance(event, TickDue | TickOvertaken):
                # Also one that is read late: it is run if the tenure is good then, and given up
                # with the tenure if not. Dropped, it would stay open for ever.
                ticks.put_nowait(event)
            elif isinstance(event, Revoked):
                _log.warning("%s: tenure revoked, %s", self._name, event.reason)
                return
            elif isinstance(event, Stopping):
                _log.info("%s is to end here: %s", self._name, event.reason)
                grace.begin(self._name, event.grace)
                tenure.stop()

    async def _show_life(self, tenure: Tenure, tenure_id: str) -> str:
        """Say that the loop answers; return, with a word, when the code shows no life any more.

        The tenure ends then. Code that can be cancelled ends with it, and for the rest there is
        the tenure's deadline.
        """
        within = self._duty.alive_within
        if within is None:
            await tenure.lost.wait()
            return ""
        while (left := within - tenure.silence()) > 0:
            self._link.alive(tenure_id, within)
            await self._clock.sleep(min(left, within * ANSWERED))
        silence = f"no sign of life within {within:g} s"
        _log.error("%s: %s; its tenure ends", self._name, silence)
        return silence

    async def _until(self, tenure: Tenure) -> None:
        """Return when the tenure's deadline has passed without a renewal."""
        while await self._is_renewed(tenure):
            await self._clock.sleep(tenure.expires_in())
        _log.warning("%s: tenure ran into its deadline", self._name)

    async def _is_renewed(self, tenure: Tenure) -> bool:
        """Whether the tenure is good, what lies unread in the stream's buffer included."""
        for _ in range(_ROUNDS_TO_READ):
            if tenure.expires_in() > 0:
                return True
            await asyncio.sleep(0)
        return tenure.expires_in() > 0
