"""Running the user's function in a tenure, to its very end."""

import asyncio
import logging
from random import Random

from immutant.backoff import Backoff
from immutant.calls import Handler
from immutant.clock import Clock
from immutant.errors import TenureLostError
from immutant.tenure import Tenure, TenureEndedExit

__all__ = ["call_to_the_end", "keep_running"]

_RESTART = Backoff(first=1.0, most=60.0)
_LONG = 60.0
"""Seconds of running after which a daemon's earlier failures are forgotten."""

_log = logging.getLogger("immutant.daemon")


async def call_to_the_end(handler: Handler, argument: object) -> None:
    """Call the user's function; when cancelled, return only once nothing of it runs any more.

    A coroutine is cancelled; a thread cannot be, its own `sleep` or `check` ends it. Whatever
    holds out longer than the margins is ended by the supervisor, with the whole process.
    """
    task = asyncio.ensure_future(handler(argument))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if handler.is_async:
            task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # it ended because it had to; how does not matter any more
        raise


async def keep_running(name: str, handler: Handler, tenure: Tenure, clock: Clock) -> None:
    """Run a daemon until its tenure ends: again, with growing pauses, when it fails or returns."""
    random, failures = Random(), 0  # noqa: S311 - jitter
    while not tenure.stopping.is_set():
        began = clock.now()
        try:
            await call_to_the_end(handler, tenure if handler.is_async else tenure.blocking)
            if tenure.stopping.is_set():
                return
            _log.warning("daemon %r returned; it is started again", name)
        except (TenureEndedExit, TenureLostError):
            return
        except Exception:
            _log.exception("daemon %r failed; it is started again", name)
        failures = 1 if clock.now() - began >= _LONG else failures + 1
        try:
            await tenure.sleep(_RESTART.delay(failures, random))
        except TenureEndedExit:
            return
