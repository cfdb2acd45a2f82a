"""The embedded backend: one replica's connection to the shared state.

Belongs here: putting the parts together and taking them apart. Not here: what any part does.
"""

import secrets
from functools import partial
from pathlib import Path

from immutant.clock import Clock, SystemClock
from immutant.embedded.caches import EmbeddedCaches
from immutant.embedded.hub import Hub, open_hub
from immutant.embedded.identity import Owner
from immutant.embedded.leases import EmbeddedLeases
from immutant.embedded.locks import Held
from immutant.embedded.queues import EmbeddedQueues
from immutant.embedded.topics import EmbeddedTopics
from immutant.embedded.transaction import Transaction

__all__ = ["EmbeddedBackend"]


class EmbeddedBackend:
    """One replica's view of the store in a folder, or in memory.

    A write that returned survives the death of any process, of all of them at once too. A loss of
    power may take the last moments; it never damages the file. The folder must be on a local disk.
    """

    def __init__(self, hub: Hub, owner: Owner, lock: Held) -> None:
        """Use `open` or `join`."""
        self._hub = hub
        self._owner = owner
        self._lock = lock
        self.caches = EmbeddedCaches(hub.engine)
        self.queues = EmbeddedQueues(hub.engine, hub.bell, hub.alarm, hub.time.clock, owner)
        self.topics = EmbeddedTopics(hub.engine, hub.bell)
        self.leases = EmbeddedLeases(hub.engine, hub.bell, hub.locks, hub.time)

    @classmethod
    async def open(
        cls,
        directory: Path | None,
        *,
        replica: str,
        clock: Clock | None = None,
        watch_peers: bool = False,
    ) -> "EmbeddedBackend":
        """Connect to the store.

        Args:
            directory: The store's folder, created if need be; None: a private store in memory.
            replica: This replica's name.
            clock: What time to live, delays and visibility are measured with.
            watch_peers: Whether to notice at once that another replica's process has died, for the
                good of all; without it that takes up to a second.

        Raises:
            StoreError: The folder holds something else, a newer version, or damage; the text
                says what to do, and nothing was changed.
        """
        hub = await open_hub(directory, clock or SystemClock(), watch_peers=watch_peers)
        return await cls._register(hub, replica)

    async def join(self, replica: str) -> "EmbeddedBackend":
        """Another replica's connection to the same store, in this process."""
        self._owner.check_open()
        return await self._register(self._hub, replica)

    async def secret(self, name: str) -> bytes:
        """32 random bytes, drawn once for the store."""
        drawn = secrets.token_bytes(32)
        return await self._hub.engine.write(partial(_secret, name=f"secret:{name}", drawn=drawn))

    async def close(self) -> None:
        """Give back the deliveries that are not settled and let go of the store.

        Receives that wait end with StoreError.
        """
        if self._owner.is_closed:
            return
        self._owner.close()
        await self._hub.leave(self._owner, self._lock)

    @classmethod
    async def _register(cls, hub: Hub, replica: str) -> "EmbeddedBackend":
        owner = Owner(hub.process, replica)
        return cls(hub, owner, await hub.enter(owner))


def _secret(transaction: Transaction, name: str, drawn: bytes) -> bytes:
    transaction.run("INSERT OR IGNORE INTO meta VALUES (?, ?)", name, drawn)
    row = transaction.run("SELECT value FROM meta WHERE name = ?", name)[0]
    return bytes(row[0])
