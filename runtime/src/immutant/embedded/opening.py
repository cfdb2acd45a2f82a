"""Making sure that a file is a state file of this version before anything touches it.

Belongs here: telling ours from foreign, newer and damaged files; creating the tables. Not here:
what is done with them.
"""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from immutant.embedded.connection import Connection
from immutant.embedded.failures import foreign_file, newer_file, no_local_disk
from immutant.embedded.schema import APPLICATION_ID, TABLES, VERSION

__all__ = ["identify", "prepare"]

_CHECKED_BYTES = 64 << 20
"""Files up to this size are read through at every open, to find damage before it spreads."""


def identify(path: Path) -> None:
    """Make sure that there is a state file, or none yet, without touching anything.

    It is read through SQLite alone: closing a file that was opened otherwise would take the locks
    away that another connection of this process has on it (POSIX), and so risk damage.

    Raises:
        StoreError: It is something else, newer or damaged.
    """
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        version = _version(path)
    except sqlite3.Error as error:
        raise foreign_file(path) from error
    if version > VERSION:
        raise newer_file(path, version)


def prepare(connection: Connection) -> None:
    """Set the connection up; create the tables in an empty database."""
    if connection.path and connection.pragma("journal_mode=WAL") != "wal":
        raise no_local_disk(connection.path)
    if connection.pragma("user_version") == 0:
        with connection.writing():
            connection.script(TABLES)
            connection.pragma(f"application_id={APPLICATION_ID}")
            connection.pragma(f"user_version={VERSION}")


def _version(path: Path) -> int:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION_ID and (application or version or tables):
            raise foreign_file(path)
        if path.stat().st_size <= _CHECKED_BYTES:
            (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok":
                raise foreign_file(path)
        return int(version)
    finally:
        connection.close()
