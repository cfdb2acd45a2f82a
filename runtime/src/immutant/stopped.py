"""The mark by which a pod's part in its cluster is stopped, while its containers stay.

`immutant stop POD` sets it, `immutant start POD` takes it away. Belongs here: the mark, and what
its containers' processes do alike about it. Not here: the order in which they stop
(`immutant.serve.starting`, `immutant.sidecar.standby`).
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Final, NoReturn

from immutant.processes import ENDING

__all__ = ["Mark", "begin_again"]

_LOOK: Final = 0.2
"""Seconds from one look to the next; the folder is a pod's own, in memory or on its node's disk."""


class Mark:
    """A file beside the application's lock."""

    def __init__(self, app_lock: Path) -> None:
        self._file = app_lock.with_suffix(".stopped")

    @property
    def is_set(self) -> bool:
        """Whether the pod's part is to be stopped."""
        return self._file.exists()

    def set(self) -> None:
        """Ask for the stop."""
        self._file.touch(mode=0o600)

    def clear(self) -> None:
        """Ask for the start."""
        self._file.unlink(missing_ok=True)

    async def until(self, *, is_set: bool) -> None:
        """Wait until it is set, or is not."""
        while self.is_set != is_set:  # noqa: ASYNC110 - another process sets it
            await asyncio.sleep(_LOOK)


def begin_again() -> NoReturn:
    """Make this process anew, as it was started; its number and its parent stay.

    A signal to end that comes meanwhile waits until the new program listens for it
    (`immutant.processes`): process 1 of a container gets it once.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - no shell is wanted
