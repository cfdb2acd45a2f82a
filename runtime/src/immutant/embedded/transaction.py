"""What a piece of work sees of the database while its transaction is open.

Belongs here: statements, the transaction's one instant, and the wake-ups it wants sent. Not here:
beginning and ending a transaction.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["EVERYONE", "Ring", "Row", "Transaction", "Work"]

T = TypeVar("T")
Row = tuple[Any, ...]

EVERYONE = ""
"""In place of a process: all of them."""

Ring = tuple[str, str]
"""A process (or EVERYONE) and the topic that it is to hear of."""


class Transaction:
    """One open transaction.

    Attributes:
        now: Its instant on the file's clock.
        wall: Its instant by the calendar, seconds since the epoch.
        rings: The wake-ups to send once it is committed.
    """

    def __init__(self, connection: sqlite3.Connection, now: float, wall: float) -> None:
        self._connection = connection
        self.now = now
        self.wall = wall
        self.rings: list[Ring] = []

    def run(self, statement: str, *values: object) -> list[Row]:
        """Execute the statement; its rows, all of them."""
        return self._connection.execute(statement, values).fetchall()

    def one(self, statement: str, *values: object) -> Row | None:
        """Execute the statement; its first row."""
        rows = self.run(statement, *values)
        return rows[0] if rows else None

    def change(self, statement: str, *values: object) -> int:
        """Execute the statement; how many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def ring(self, topic: str, process: str = EVERYONE) -> None:
        """Once committed, wake those who listen to the topic, in that process or in all."""
        self.rings.append((process, topic))


Work = Callable[[Transaction], T]
"""Work inside a transaction.

It may be run again when what it shared a transaction with failed, so it touches nothing but
the transaction and returns what it found.
"""
