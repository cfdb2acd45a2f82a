"""Locks that the kernel gives back when their holder dies, however it dies.

Belongs here: `flock` on files. Not here: what a lock means (an owner, an incarnation, an
application that lives); those who hold one say that.

A lock is held by an open file, which closes on exec and in forked children: a helper program
started by the holder never keeps it alive.
"""

import fcntl
import os
import time
import weakref
from pathlib import Path

from immutant.errors import LockHeldError

__all__ = ["HeldLock", "LockFile", "hold", "is_free", "wait_until_free"]

_ATTEMPTS = 5
_ATTEMPT_PAUSE = 0.01

_open: "weakref.WeakSet[LockFile]" = weakref.WeakSet()


class LockFile:
    """An open file to be locked by `flock`; closing it gives the lock back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        _open.add(self)

    def close(self) -> None:
        """Close the file; once is enough, more often is harmless."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def is_at_path(self) -> bool:
        """Whether the open file is still the one at its path, and not one that was unlinked."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self.descriptor))
        except FileNotFoundError:
            return False


class HeldLock:
    """A lock that is held until `release` or the end of the process."""

    def __init__(self, file: LockFile) -> None:
        self.path = file.path
        self._file = file

    def release(self) -> None:
        """Let go; once is enough, more often is harmless. The file stays."""
        if self._file.descriptor >= 0:
            # A child that was forked this moment may still have the file open.
            fcntl.flock(self._file.descriptor, fcntl.LOCK_UN)
        self._file.close()


def hold(path: Path, *, shared: bool = False) -> HeldLock:
    """Lock the file, which is created if need be, without waiting for another holder.

    Args:
        path: The file; its folder must exist.
        shared: Whether others may hold it at the same time, shared too.

    Raises:
        LockHeldError: Somebody else holds it.
    """
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    for attempt in range(_ATTEMPTS):
        # Whoever looks whether the lock is free holds it for some microseconds.
        time.sleep(_ATTEMPT_PAUSE if attempt else 0)
        file = LockFile(path)
        if _try(file.descriptor, mode) and file.is_at_path():
            return HeldLock(file)
        file.close()
    raise LockHeldError(f"{path} is locked by another process; stop that one first")


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock; a file that is not there can be had by anybody."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return _try(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def wait_until_free(path: Path) -> None:
    """Block the calling thread until nobody holds the lock; the kernel wakes it at once.

    Raises:
        FileNotFoundError: The file is not there. Whoever locked it may hold it still: somebody may
            have cleared the folder.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _try(descriptor: int, mode: int) -> bool:
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close_in_child() -> None:
    for file in list(_open):
        file.close()


os.register_at_fork(after_in_child=_close_in_child)
