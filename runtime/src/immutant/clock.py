"""Time, as everything else in Immutant sees it.

Belongs here: the clock protocol and the machine's own clock. Not here: fake clocks (they
are in `immutant.testing`) and anything that decides.
"""

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """Where time comes from; given to constructors, so that tests can turn it."""

    def now(self) -> float:
        """Seconds since boot: never set back, and the same for all processes of one kernel."""

    def wall(self) -> float:
        """Seconds since the epoch by the machine's calendar; it may jump."""

    async def sleep(self, seconds: float) -> None:
        """Return once `seconds` have passed on this clock."""


class SystemClock:
    """The machine's clock.

    `now` reads CLOCK_BOOTTIME (Linux), which goes on while the machine is suspended, so that a
    deadline is not outlived by closing the lid; elsewhere it reads CLOCK_MONOTONIC.
    """

    def now(self) -> float:
        return time.clock_gettime(_BOOTTIME)

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
