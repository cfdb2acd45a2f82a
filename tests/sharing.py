"""What the processes of a test run use together: the first makes it, the last removes it.

Belongs here: who is first and who is last. Not here: what it is.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

__all__ = ["shared"]


@contextlib.contextmanager
def shared(
    folder: Path, make: Callable[[], object], remove: Callable[[], object]
) -> Iterator[None]:
    """Use it while the context is open.

    The kernel gives up the locks of a process that dies, so that another one removes what it used.

    Args:
        folder: Of the run, known to all its processes.
        make: Called where nobody uses it yet; what it makes is there once this returns.
        remove: Called where nobody uses it any more.
    """
    with (folder / "users").open("a") as user:
        with _through_the_door(folder):
            if _is_alone(user):
                make()
            fcntl.flock(user, fcntl.LOCK_SH)
        try:
            yield
        finally:
            with _through_the_door(folder):
                if _is_alone(user):
                    remove()


@contextlib.contextmanager
def _through_the_door(folder: Path) -> Iterator[None]:
    """One at a time: whoever comes or goes."""
    with (folder / "door").open("a") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield


def _is_alone(user: IO[str]) -> bool:
    """Whether no other process holds it; it is held alone then."""
    try:
        fcntl.flock(user, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
