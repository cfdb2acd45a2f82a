"""A connection to the state file and its transactions.

Belongs here: opening the file (or a private database in memory), beginning, committing and
undoing. Not here: threads, and who may write next (`engine`).

Durability: a committed write survives the death of any process, of all of them at once too. After
a loss of power the last moments may be missing (synchronous=NORMAL), the file is never corrupt.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from immutant.embedded.failures import replaced_file, store_error
from immutant.embedded.filetime import FileTime
from immutant.embedded.transaction import Transaction

__all__ = ["Connection"]

_BUSY_SECONDS = 10.0
_CACHED_STATEMENTS = 256


class Connection:
    """One SQLite connection, used by one thread at a time.

    Raises:
        StoreError: From all methods, for all that SQLite reports.
    """

    def __init__(self, path: Path | None, time: FileTime) -> None:
        self.path = path
        self._time = time
        self._guarded: dict[Path, tuple[int, int]] = {}
        with self._translated():
            self._sql = sqlite3.connect(
                path or ":memory:",
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_CACHED_STATEMENTS,
            )
            self._sql.execute("PRAGMA synchronous=NORMAL")

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction that was begun is still open: SQLite may have undone it."""
        return self._sql.in_transaction

    def guard(self, *paths: Path) -> None:
        """From now on refuse to work once one of the files is no longer the one at its path."""
        for path in paths:
            self._guarded[path] = _identity(path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that writes: committed at the end, undone by any exception."""
        return self._transaction("BEGIN IMMEDIATE")

    @contextlib.contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A transaction that reads one state of the database."""
        return self._transaction("BEGIN")

    @contextlib.contextmanager
    def step(self, transaction: Transaction) -> Iterator[None]:
        """A part of a transaction that is undone by itself."""
        rings = len(transaction.rings)
        self._sql.execute("SAVEPOINT step")
        try:
            yield
        except BaseException:
            del transaction.rings[rings:]
            if self._sql.in_transaction:
                self._sql.execute("ROLLBACK TO step")
            raise
        finally:
            if self._sql.in_transaction:
                self._sql.execute("RELEASE step")

    def pragma(self, text: str) -> int | str | None:
        """Run a pragma outside of transactions; its first value."""
        with self._translated():
            row = self._sql.execute(f"PRAGMA {text}").fetchone()
        return row[0] if row else None

    def script(self, text: str) -> None:
        """Execute statements within the transaction that is open."""
        for statement in text.split(";\n"):
            self._sql.execute(statement)

    def close(self) -> None:
        """Close the connection; the last one to close tidies the file."""
        self._sql.close()

    def _transaction(self, begin: str) -> Iterator[Transaction]:
        self._check_guarded()
        with self._translated():
            self._sql.execute(begin)
            try:
                yield Transaction(self._sql, self._time.now(), self._time.wall())
                self._sql.execute("COMMIT")
            except BaseException:
                # SQLite has undone some failures (a full disk) by itself.
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                raise

    def _check_guarded(self) -> None:
        for path, identity in self._guarded.items():
            if _identity(path) != identity:
                raise replaced_file(path)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise store_error(error, self.path) from error


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
