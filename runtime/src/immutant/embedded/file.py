"""The store's folder: the state file, its locks, and how a process opens them.

Belongs here: the order in which that is done. Not here: the parts.
"""

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from immutant.clock import Clock
from immutant.embedded.connection import Connection
from immutant.embedded.failures import old_sqlite, usable
from immutant.embedded.filetime import FileTime, boot_id
from immutant.embedded.opening import identify, prepare
from immutant.embedded.post import agree_on_folder
from immutant.embedded.turnstile import Turnstile

__all__ = ["OpenFile", "open_file", "open_turnstile"]

_OLDEST_SQLITE = (3, 35)
_LOCKS = "locks"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """What an open store consists of."""

    writer: Connection
    reader: Connection
    turnstile: Turnstile
    time: FileTime
    locks: Path
    sockets: Path

    def close(self) -> None:
        """Close what is open."""
        self.reader.close()
        self.writer.close()
        self.turnstile.close()


def open_turnstile(directory: Path) -> Turnstile:
    """What processes queue at before the folder's file.

    The folder is made, readable by this user alone, if it is not there.

    Raises:
        StoreError: The folder cannot be used, or the system's SQLite cannot.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise old_sqlite(sqlite3.sqlite_version)
    with usable(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / _LOCKS).mkdir(mode=0o700, exist_ok=True)
        return Turnstile(directory / _LOCKS / "writer")


def open_file(directory: Path, turnstile: Turnstile, clock: Clock) -> OpenFile:
    """Open the store in the folder; blocks while another process does.

    Raises:
        StoreError: It cannot be used as it is; the text names the file and the remedy.
    """
    path, time = directory / "state.db", FileTime(clock)
    # One at a time: SQLite does not let two switch a new file to its write-ahead log.
    with usable(directory), contextlib.ExitStack() as undo, turnstile:
        identify(path)
        writer = _connect(path, time, undo)
        prepare(writer)
        with writer.writing() as transaction:
            time.settle(transaction, boot_id())
            sockets = agree_on_folder(transaction, directory)
        reader = _connect(path, time, undo)
        for connection in (writer, reader):
            connection.guard(path, path.with_name("state.db-wal"), directory / _LOCKS)
        undo.pop_all()
    return OpenFile(writer, reader, turnstile, time, directory / _LOCKS, sockets)


def _connect(path: Path, time: FileTime, undo: contextlib.ExitStack) -> Connection:
    connection = Connection(path, time)
    undo.callback(connection.close)
    return connection
