"""Folders for sockets: short enough for a socket's path, and closed to other users.

Belongs here: where such a folder is, and making sure that it is private. Not here: what lies in it;
each purpose has a folder of its own, which whoever made it may clear.
"""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from immutant.errors import UnusableStateError

__all__ = ["LONGEST_SOCKET_PATH", "make_private", "socket_folder"]

LONGEST_SOCKET_PATH = 103
"""Bytes in the path of a Unix socket: 107 on Linux, 103 on macOS."""

_LONGEST_FOLDER = 49
"""Bytes that leave room for the longest name: 40 of an application, 13 of number and suffix."""


def socket_folder(state: Path, purpose: str) -> Path:
    """The folder for this purpose beside this state folder, made and private.

    Args:
        state: The state folder; the same one by another name has the same socket folder.
        purpose: A short word; each has a folder of its own.

    Raises:
        UnusableStateError: Others can enter it.
        OSError: It cannot be made.
    """
    digest = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:12]
    private = Path(f"immutant-{os.geteuid()}") / f"{digest}.{purpose}"
    folder = Path(tempfile.gettempdir()) / private
    if len(os.fsencode(folder)) > _LONGEST_FOLDER:
        folder = Path("/tmp") / private  # noqa: S108 - what is made there is checked to be private
    make_private(folder)
    return folder


def make_private(folder: Path) -> None:
    """Make a socket folder, and the one above it, unless they are there.

    Raises:
        UnusableStateError: Others can enter one of them; the text names the remedy.
        OSError: They cannot be made.
    """
    for made in (folder.parent, folder):
        made.mkdir(mode=0o700, exist_ok=True)
        found = made.lstat()
        mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not mine or stat.S_IMODE(found.st_mode) & 0o077:
            raise UnusableStateError(
                f"{made} is not a folder of yours that others cannot enter; remove it, "
                "or name another folder for temporary files, with a short path: TMPDIR=DIR"
            )
