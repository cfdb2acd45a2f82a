"""Watches over the application's life by the lock that it holds."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from immutant.filelock import wait_until_free

__all__ = ["Vigil"]

_log = logging.getLogger(__name__)


class Vigil:
    """Tells, at once, that an application's process has died; needs a running loop."""

    def __init__(self, lock: Path, on_death: Callable[[str], None]) -> None:
        """Watch a lock.

        Args:
            lock: The file that every application of this replica locks before it says hello.
            on_death: Called in the loop with the name of the process that died.
        """
        self._lock = lock
        self._on_death = on_death
        self._kept: set[str] = set()

    def keep(self, process: str) -> None:
        """From now on watch over this process."""
        if process in self._kept:
            return
        self._kept.add(process)
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._wait, args=(loop, process), daemon=True).start()

    def _wait(self, loop: asyncio.AbstractEventLoop, process: str) -> None:
        try:
            wait_until_free(self._lock)
        except FileNotFoundError:
            # It was locked before the hello, so somebody has removed it. That proves no death.
            _log.warning("%s was removed: the application's death will be noticed late", self._lock)
            return
        with contextlib.suppress(RuntimeError):  # the loop has gone before the application
            loop.call_soon_threadsafe(self._on_death, process)
