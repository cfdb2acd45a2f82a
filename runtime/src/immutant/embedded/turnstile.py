"""Whose turn it is to write.

Belongs here: the queue of processes before the state file. Not here: what is written.

SQLite makes a writer that finds another one sleep and try again, up to 100 ms later; a process
that writes all the time starves the rest. A blocking `flock` is granted the moment it is free.
It keeps order, not safety: that is still SQLite's own lock.
"""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from immutant.filelock import LockFile

__all__ = ["Turnstile"]

_PID_BYTES = 20
_LOCKS = Path("/proc/locks")


class Turnstile:
    """Held while a process writes; `with` waits for it."""

    def __init__(self, path: Path) -> None:
        self._file = LockFile(path)
        self._waiting_since: float | None = None
        self._pid = str(os.getpid()).ljust(_PID_BYTES).encode()

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._waiting_since = time.monotonic()
            fcntl.flock(self._file.descriptor, fcntl.LOCK_EX)
            self._waiting_since = None
        os.pwrite(self._file.descriptor, self._pid, 0)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        fcntl.flock(self._file.descriptor, fcntl.LOCK_UN)

    def waited(self) -> float:
        """For how many seconds this process has been waiting for its turn; from any thread."""
        since = self._waiting_since
        return 0.0 if since is None else time.monotonic() - since

    def holder(self) -> int:
        """The process whose turn it is, or was last; from any thread."""
        written = int(os.pread(self._file.descriptor, _PID_BYTES, 0) or b"0")
        return _kernels_word(os.fstat(self._file.descriptor)) or written

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _kernels_word(file: os.stat_result) -> int:
    """The process that holds the lock on this file; 0 where the kernel does not say (macOS).

    It knows better than what is written: a process may freeze between taking its turn and writing.
    """
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    try:
        locks = _LOCKS.read_text().splitlines()
    except OSError:
        return 0
    # "1: FLOCK ADVISORY WRITE 4711 fe:00:1234 0 EOF"; those who wait have "->" in second place.
    held = (line.split() for line in locks if place in line.split())
    return next((int(fields[4]) for fields in held if fields[1] == "FLOCK"), 0)
