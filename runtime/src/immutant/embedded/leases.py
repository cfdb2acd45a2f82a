"""Leases as rows, every change kept in order for those who watch.

Belongs here: the LeaseStore of the embedded backend. Not here: what a lease means
(`immutant.election`).

Rows are never deleted, so a lease that is missing has never been. The kernel gives proof of
death: an incarnation and its application hold a lock, and who holds no lock any more is dead.
"""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from functools import partial

from immutant.embedded.bell import Bell
from immutant.embedded.engine import Engine
from immutant.embedded.filetime import FileTime
from immutant.embedded.locks import Held, Locks
from immutant.embedded.transaction import Transaction
from immutant.errors import ConflictError, StoreError
from immutant.leases import Lease, LeaseEvent, LeaseSnapshot

__all__ = ["EmbeddedLeases"]

_KEPT_CHANGES = 10_000
_BATCH = 100


class EmbeddedLeases:
    """The application's leases; watches are woken at the commit of each change."""

    absence_is_proof = True

    def __init__(self, engine: Engine, bell: Bell, locks: Locks, time: FileTime) -> None:
        self._engine = engine
        self._bell = bell
        self._locks = locks
        self._time = time

    def hold(self, incarnation: str) -> Held:
        """Prove that the incarnation lives, until the lock is released or the process dies.

        Shared: its application takes the same lock, by `immutant.filelock.hold` on the path with
        `shared=True`, and only once both are gone the incarnation is dead. Hold it before the
        incarnation is written to a lease: one that never held a lock is never proved dead.
        """
        return self._locks.hold(_lock_name(incarnation), shared=True)

    async def snapshot(self) -> LeaseSnapshot:
        return await self._engine.read(_snapshot)

    async def watch(self, since: int) -> AsyncIterator[LeaseEvent]:
        with self._bell.listening("leases") as rung:
            while True:
                rung.clear()
                events = await self._engine.read(partial(_changes, since=since))
                for event in events:
                    since = event.version
                    yield event
                if not events:
                    await rung.wait()

    async def read(self, name: str) -> Lease | None:
        return await self._engine.read(partial(_read, name=name))

    async def write(self, lease: Lease, expect: int) -> int:
        return await self._engine.write(partial(_write, lease=lease, expect=expect))

    async def wall(self) -> float:
        return self._time.wall()

    async def deaths(self) -> AsyncIterator[str]:
        """Incarnations that held a lock (`hold`) which nobody holds any more, each once."""
        dead: asyncio.Queue[str | None] = asyncio.Queue()
        looker = asyncio.create_task(self._watch_members(dead))
        looker.add_done_callback(lambda _: dead.put_nowait(None))
        try:
            while (incarnation := await dead.get()) is not None:
                yield incarnation
            looker.result()
        finally:
            looker.cancel()

    async def _watch_members(self, dead: asyncio.Queue[str | None]) -> None:
        loop = asyncio.get_running_loop()

        def tell(incarnation: str) -> None:
            # A thread may hear of a death after the loop has gone.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(dead.put_nowait, incarnation)

        watched: set[str] = set()
        async for holder in self._members():
            lock = _lock_name(holder)
            # What is missing proves nothing: somebody may have emptied the folder.
            if holder not in watched and self._locks.exists(lock):
                watched.add(holder)
                self._locks.when_free(lock, partial(tell, holder))

    async def _members(self) -> AsyncIterator[str]:
        """The holders of member leases that have not ended, now and from now on."""
        snapshot = await self.snapshot()
        for lease in snapshot.leases:
            if _is_living_member(lease):
                yield lease.holder
        async for event in self.watch(snapshot.version):
            if event.lease is not None and _is_living_member(event.lease):
                yield event.lease.holder


def _lock_name(incarnation: str) -> str:
    return f"incarnation-{incarnation}"


def _is_living_member(lease: Lease) -> bool:
    return ".member." in lease.name and not lease.ended and bool(lease.holder)


def _snapshot(transaction: Transaction) -> LeaseSnapshot:
    rows = transaction.run("SELECT record, version FROM leases ORDER BY name")
    return LeaseSnapshot([_lease(*row) for row in rows], _newest(transaction))


def _read(transaction: Transaction, name: str) -> Lease | None:
    row = transaction.one("SELECT record, version FROM leases WHERE name = ?", name)
    return _lease(*row) if row else None


def _write(transaction: Transaction, lease: Lease, expect: int) -> int:
    present = _read(transaction, lease.name)
    found = present.version if present else 0
    if found != expect:
        raise ConflictError(f"lease {lease.name} has version {found}, expected was {expect}")
    record = json.dumps(dataclasses.asdict(lease))
    version = _newest(transaction) + 1
    transaction.run("INSERT INTO lease_changes VALUES (?, ?, ?)", version, lease.name, record)
    transaction.run("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", lease.name, version, record)
    transaction.run("DELETE FROM lease_changes WHERE version <= ?", version - _KEPT_CHANGES)
    transaction.ring("leases")
    return version


def _changes(transaction: Transaction, since: int) -> list[LeaseEvent]:
    newest = _newest(transaction)
    if not newest - _KEPT_CHANGES <= since <= newest:
        raise StoreError(f"the changes of leases after version {since} are not there")
    rows = transaction.run(
        "SELECT name, record, version FROM lease_changes WHERE version > ? ORDER BY version"
        " LIMIT ?",
        since,
        _BATCH,
    )
    return [LeaseEvent(name, version, _lease(record, version)) for name, record, version in rows]


def _newest(transaction: Transaction) -> int:
    rows = transaction.run("SELECT ifnull(max(version), 0) FROM lease_changes")
    return int(rows[0][0])


def _lease(record: str, version: int) -> Lease:
    fields = json.loads(record)
    fields.update(version=version, former=tuple(fields["former"]))
    return Lease(**fields)
