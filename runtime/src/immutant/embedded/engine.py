"""Running work on the database: what stores need, and the way that memory does it.

Belongs here: the protocol and the engine of a private database in memory. Not here: the threads
of a file (`workers`).
"""

import asyncio
from typing import Protocol, TypeVar

from immutant.embedded.bell import Bell
from immutant.embedded.connection import Connection
from immutant.embedded.owners import addressees
from immutant.embedded.transaction import Work
from immutant.errors import StoreError

__all__ = ["CLOSED", "Engine", "MemoryEngine"]

T = TypeVar("T")

CLOSED = "the store is closed"


class Engine(Protocol):
    """Runs work in transactions.

    Writes run one after the other in the order of the calls, and are committed when the call
    returns. A read sees all writes that were committed when it was called. Cancelling a
    call leaves open whether its work was done; it is done once or not at all.
    """

    async def write(self, work: Work[T]) -> T:
        """Run work that changes the database; what it raises undoes it alone."""

    async def read(self, work: Work[T]) -> T:
        """Run work that changes nothing, without waiting for anybody's writes."""

    async def close(self) -> None:
        """Finish what was begun; later calls raise StoreError."""


class MemoryEngine:
    """Runs work at once, in the event loop: memory never makes anybody wait."""

    def __init__(self, connection: Connection, bell: Bell) -> None:
        self._connection = connection
        self._bell = bell
        self._closed = False

    async def write(self, work: Work[T]) -> T:
        self._check_open()
        with self._connection.writing() as transaction:
            result = work(transaction)
            topics = addressees(transaction)
        for heard in topics.values():
            self._bell.ring(heard)
        await asyncio.sleep(0)  # Elsewhere others get a turn here; so code that relies on it works.
        return result

    async def read(self, work: Work[T]) -> T:
        self._check_open()
        with self._connection.reading() as transaction:
            result = work(transaction)
        await asyncio.sleep(0)
        return result

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError(CLOSED)
