"""Locks by name, that end with whoever holds them.

Belongs here: the protocol, its form on files and its form in memory. Not here: what the names
mean.
"""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from immutant import filelock
from immutant.embedded.failures import usable
from immutant.errors import LockHeldError

__all__ = ["FileLocks", "Held", "Locks", "MemoryLocks"]


class Held(Protocol):
    """A lock that is held until `release` or the end of the process."""

    @property
    def path(self) -> Path:
        """The file that is locked; names nothing for a lock in memory."""

    def release(self) -> None:
        """Let go."""


class Locks(Protocol):
    """The locks of one store. A lock is there from its first holder until `remove`."""

    def hold(self, name: str, *, shared: bool = False) -> Held:
        """Lock the name, or raise LockHeldError at once."""

    def exists(self, name: str) -> bool:
        """Whether the lock was ever held and not removed since."""

    def is_free(self, name: str) -> bool:
        """Whether nobody holds the lock."""

    def when_free(self, name: str, call: Callable[[], None]) -> None:
        """Call, from any thread, as soon as nobody holds the lock; not at all once removed."""

    def remove(self, name: str) -> None:
        """Forget a lock that nobody will hold again."""


class FileLocks:
    """Each lock a file in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hold(self, name: str, *, shared: bool = False) -> Held:
        with usable(self._folder):
            return filelock.hold(self.path(name), shared=shared)

    def exists(self, name: str) -> bool:
        return self.path(name).exists()

    def is_free(self, name: str) -> bool:
        return filelock.is_free(self.path(name))

    def when_free(self, name: str, call: Callable[[], None]) -> None:
        # The thread cannot be woken but by the kernel; a daemon, it ends with the process.
        def wait() -> None:
            try:
                filelock.wait_until_free(self.path(name))
            except FileNotFoundError:
                return  # Removed since the caller looked, which proves nothing.
            call()

        threading.Thread(target=wait, name=f"immutant-watch-{name}", daemon=True).start()

    def remove(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """The lock's file."""
        return self._folder / quote(name, safe="#")


class MemoryLocks:
    """Locks of one process, for a store that nobody else sees."""

    def __init__(self) -> None:
        self._holders: Counter[str] = Counter()
        self._exclusive: set[str] = set()
        self._calls: dict[str, list[Callable[[], None]]] = {}

    def hold(self, name: str, *, shared: bool = False) -> Held:
        if name in self._exclusive or (self._holders[name] and not shared):
            raise LockHeldError(f"the lock {name} is held already; release it first")
        self._holders[name] += 1
        if not shared:
            self._exclusive.add(name)
        return _HeldInMemory(self, name)

    def exists(self, name: str) -> bool:
        return name in self._holders

    def is_free(self, name: str) -> bool:
        return self._holders[name] == 0

    def when_free(self, name: str, call: Callable[[], None]) -> None:
        self._calls.setdefault(name, []).append(call)
        self._tell(name)

    def remove(self, name: str) -> None:
        del self._holders[name]

    def let_go(self, name: str) -> None:
        """One holder less."""
        self._holders[name] -= 1
        self._exclusive.discard(name)
        self._tell(name)

    def _tell(self, name: str) -> None:
        if self.is_free(name):
            for call in self._calls.pop(name, []):
                call()


class _HeldInMemory:
    def __init__(self, locks: MemoryLocks, name: str) -> None:
        self.path = Path("/dev/null") / name
        self._locks: MemoryLocks | None = locks
        self._name = name

    def release(self) -> None:
        locks, self._locks = self._locks, None
        if locks is not None:
            locks.let_go(self._name)
