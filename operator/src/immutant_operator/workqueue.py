"""Which apps to look at, and when: a queue of keys.

A key that is added while it waits is there once; one that is added while it is worked on comes
again afterwards, so that no two workers have the same app. Belongs here: order, coalescing,
backoff. Not here: the work.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from immutant_operator.errors import OperatorError
from immutant_operator.registry import Key

__all__ = ["Work", "WorkQueue"]

Work: TypeAlias = Callable[[Key], Awaitable[float | None]]
"""What is done with a key; it returns the seconds after which the key should come again, if any."""

_FIRST_DELAY: Final = 0.2
_LONGEST_DELAY: Final = 60.0
"""Seconds between two attempts at an app that fails."""

_log = logging.getLogger(__name__)


class WorkQueue:
    """Keys, each worked on by one worker at a time."""

    def __init__(self, work: Work, chance: random.Random) -> None:
        """Make a queue.

        Args:
            work: What is done with a key; an exception means: again later.
            chance: Spreads the delays of keys that fail together.
        """
        self._work = work
        self._chance = chance
        self._waiting: asyncio.Queue[Key] = asyncio.Queue()
        self._queued: set[Key] = set()
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._queued) + len(self._again)

    def add(self, key: Key) -> None:
        """Have an app looked at soon."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._busy:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._waiting.put_nowait(key)

    def add_within(self, key: Key, seconds: float) -> None:
        """Have an app looked at in so many seconds at most: once for all that happens until then.

        An app whose last look failed is looked at when it is its turn again.
        """
        if key not in self._timers and key not in self._queued:
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(seconds, self._due, key)

    async def run(self, workers: int) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        while True:
            key = await self._waiting.get()
            self._queued.discard(key)
            self._busy.add(key)
            try:
                again = await self._work(key)
            except Exception as error:
                self._retry(key, error)
            else:
                self._failures.pop(key, None)
                if again is not None:
                    self.add_within(key, again)
            finally:
                self._busy.discard(key)
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    def _retry(self, key: Key, error: Exception) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2 ** min(failures, 16))
        delay = longest * self._chance.uniform(0.5, 1.0)
        unforeseen = None if isinstance(error, OperatorError) else error
        _log.warning(
            "%s/%s, again in %.1f s (%d): %s", *key, delay, failures, error, exc_info=unforeseen
        )
        if (timer := self._timers.pop(key, None)) is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(delay, self._due, key)

    def _due(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
