"""The console's socket: making it so that nobody else can connect to it.

Belongs here: one file, its mode, and what a process that was killed has left.
"""

import contextlib
import os
import socket
from pathlib import Path
from typing import Final

__all__ = ["listening"]

_BACKLOG: Final = 16


def listening(path: Path) -> socket.socket:
    """A socket that listens, of this process's user alone.

    What lies there is taken away: whoever calls holds the replica's lock, so that the process which
    had made it is dead.

    Raises:
        OSError: It cannot be made.
    """
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(str(path))
        path.chmod(0o600)
        made.listen(_BACKLOG)  # not earlier: nobody could connect before the mode was right
    except BaseException:
        made.close()
        raise
    os.register_at_fork(after_in_child=lambda: _let_go(made))
    return made


def _let_go(made: socket.socket) -> None:
    """A process that user code forks must not keep the socket open: nobody would answer there."""
    with contextlib.suppress(OSError):
        made.close()
