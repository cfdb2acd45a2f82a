"""A clock that stands still until it is turned.

Belongs here: `FakeClock` and letting tasks settle.
"""

import asyncio
import heapq
import itertools
import time

from immutant.calls import computing
from immutant.durations import Duration, seconds

__all__ = ["FakeClock", "settle"]

_EPOCH = 1_750_000_000.0
_ROUNDS = 200
_PATIENCE = 0.25
"""Seconds of real time that a plain function's thread is waited for."""


class FakeClock:
    """Implements `immutant.Clock`; time passes in `advance` only."""

    def __init__(self, wall: float = _EPOCH) -> None:
        """Begin at that calendar time, in seconds since the epoch."""
        self._now = 1_000.0
        self._offset = wall - self._now
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + self._offset

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken

    async def advance(self, duration: Duration) -> None:
        """Let time pass: everything that becomes due runs, one by one, in its order.

        After each wake-up all tasks run until they wait again, so that what they ask for next is
        taken into account.
        """
        target = self._now + seconds(duration)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            self._now = max(self._now, due)
            woken.set_result(None)
            await settle()
        self._now = target
        await settle()

    def jump(self, seconds: float) -> None:
        """Set the calendar forward, or back, as an administrator does; nothing becomes due."""
        self._offset += seconds


async def settle() -> None:
    """Let all tasks run until each waits for time, for a thread or for the outside."""
    deadline = time.monotonic() + _PATIENCE
    await _yield_until_idle()
    while computing() and time.monotonic() < deadline:
        await asyncio.sleep(0.0005)
        await _yield_until_idle()


async def _yield_until_idle() -> None:
    # asyncio has no public way to ask whether anything is ready; where its own loop's queue cannot
    # be looked into, a number of rounds that no chain of our awaits exceeds has to do.
    ready = getattr(asyncio.get_running_loop(), "_ready", None)
    for _ in range(_ROUNDS if ready is None else 100 * _ROUNDS):
        await asyncio.sleep(0)
        if ready is not None and not ready:
            return
