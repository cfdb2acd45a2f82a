"""Running the user's function in a tenure, to its very end.

Belongs here: calling it, and a daemon's restarts. Not here: a job's runs (`tickruns`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from immutant.backoff import Backoff
from immutant.calls import Handler
from immutant.clock import Clock
from immutant.errors import HandlerExitError, TenureEndedExit, TenureLostError
from immutant.link import Failure
from immutant.singletons.endings import see_ended
from immutant.tenure import Tenure
from immutant.wording import worded

__all__ = ["Restarts", "call_to_the_end", "keep_running"]

_RESTART = Backoff(first=1.0, most=60.0)
_LONG = 60.0
"""Seconds of running after which a daemon's earlier failures are forgotten."""

_log = logging.getLogger("immutant.daemon")


async def call_to_the_end(handler: Handler, argument: object) -> None:
    """Call the user's function; when cancelled, return only once its coroutine has ended.

    A function in a thread goes on after a cancelling until its own `sleep` or `check` ends it; its
    tenure waits for it (`Tenure.threads`). Whatever holds out longer than the margins is ended by
    the supervisor, with the whole process.

    Raises:
        HandlerExitError: The function was cancelled, by nobody but itself.
    """
    task = asyncio.ensure_future(handler(argument))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is None or not current.cancelling():
            raise HandlerExitError(
                f"{handler.name} raised CancelledError though nobody cancelled it; "
                "await what you cancel inside `contextlib.suppress(asyncio.CancelledError)`"
            ) from error
        task.cancel()
        await see_ended([task])  # it ended because it had to; how does not matter any more
        raise


async def _unheard(_: Failure) -> None:
    """A daemon that every replica has goes nowhere else, so nobody need know."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """What becomes of a daemon that ends though its tenure goes on.

    Attributes:
        name: The daemon's.
        attempts: After so many failures in a row another replica should try it; None: never.
        tell: Called at each failure, before the pause.
    """

    name: str
    attempts: int | None = None
    tell: Callable[[Failure], Awaitable[None]] = _unheard

    async def failed(self, error: str, times: int) -> None:
        """Say that it failed, or returned, so many times in a row."""
        if times == self.attempts:
            _log.error(
                "daemon %r failed %d times in a row here: it goes to another replica that stands "
                "for it, and on here while there is none",
                self.name,
                times,
            )
        is_enough = self.attempts is not None and times >= self.attempts
        await self.tell(Failure(error, times, elsewhere=is_enough))


async def keep_running(restarts: Restarts, handler: Handler, tenure: Tenure, clock: Clock) -> None:
    """Run a daemon until its tenure ends: again, with growing pauses, when it fails or returns."""
    random, failures = Random(), 0  # noqa: S311 - jitter
    while not tenure.stopping.is_set():
        began = clock.now()
        try:
            error = await _run_once(restarts.name, handler, tenure)
            if error is None:
                return
            failures = 1 if clock.now() - began >= _LONG else failures + 1
            await restarts.failed(error, failures)
            await tenure.sleep(_RESTART.delay(failures, random))
        except TenureEndedExit:
            return


async def _run_once(name: str, handler: Handler, tenure: Tenure) -> str | None:
    """Run it until it ends; why it did, None when it is to end."""
    try:
        await call_to_the_end(handler, tenure if handler.is_async else tenure.blocking)
        if tenure.stopping.is_set():
            return None
        _log.warning("daemon %r returned; it is started again", name)
    except TenureEndedExit:
        return None
    except TenureLostError:
        if tenure.stopping.is_set():
            return None
        # It kept the loop busy past the deadline, while its renewal lay unread.
        _log.warning("daemon %r blocked for too long; it is started again", name)
        return "it blocked for too long"
    except Exception as failure:
        _log.exception("daemon %r failed; it is started again", name)
        return worded(failure)
    return "it returned"
