"""What SQLite's errors mean to a user.

Belongs here: the sentences and which error each becomes. Not here: deciding what to do about one.
"""

import contextlib
import errno
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from immutant.errors import CapacityError, StoreError, UnusableStateError

__all__ = [
    "foreign_file",
    "newer_file",
    "no_local_disk",
    "old_sqlite",
    "replaced_file",
    "store_error",
    "usable",
]

_NO_ROOM = 1 << 20
"""An I/O error with fewer free bytes than this is taken for a full disk."""

_REMEDY = "move it away or choose another folder with --state"


def store_error(error: sqlite3.Error, path: Path | None) -> StoreError:
    """The error to raise for what SQLite reported; nothing of the request was stored."""
    name = str(path or "the store in memory")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path)):
        return CapacityError(f"no room to write {name}: free some space on its disk and try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreError(f"{name} is damaged ({error}): stop the application, then {_REMEDY}")
    if code == sqlite3.SQLITE_BUSY:
        return StoreError(f"another program keeps {name} locked: close it and try again")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(f"{name} cannot be written: make its folder writable for this user")
    return StoreError(f"{name}: {error}")


def foreign_file(path: Path) -> UnusableStateError:
    """The file is none of Immutant's."""
    return UnusableStateError(f"{path} is not a state file of Immutant, or is damaged: {_REMEDY}")


def newer_file(path: Path, version: int) -> UnusableStateError:
    """The file was written by a newer Immutant."""
    return UnusableStateError(
        f"{path} has version {version}, which this Immutant does not know: "
        f"upgrade immutant, or {_REMEDY}"
    )


def no_local_disk(path: Path) -> UnusableStateError:
    """The file system cannot do what the store needs."""
    return UnusableStateError(
        f"{path} is on a disk that cannot be shared: choose a local disk with --state"
    )


def old_sqlite(version: str) -> UnusableStateError:
    """The SQLite that Python was built with is too old."""
    return UnusableStateError(
        f"SQLite {version} is too old: use a Python with SQLite 3.35 or newer"
    )


def replaced_file(path: Path) -> StoreError:
    """The file is no longer the one that was opened."""
    return StoreError(
        f"{path} was removed or replaced while in use: restart the application, and stop it "
        "before touching its state next time"
    )


@contextlib.contextmanager
def usable(folder: Path) -> Iterator[None]:
    """Turn what the system reports about the folder into a StoreError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CapacityError(f"no room in {folder}: free some space on its disk") from error
        raise StoreError(
            f"{folder} cannot be used ({error.strerror}): make it writable for this user, "
            "or choose another folder with --state"
        ) from error


def _is_full(path: Path | None) -> bool:
    try:
        return path is not None and shutil.disk_usage(path.parent).free < _NO_ROOM
    except OSError:
        return False
