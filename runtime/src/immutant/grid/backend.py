"""The grid backend: one replica's connection to the shared state.

Belongs here: putting the parts together and taking them apart. Not here: what any part does.
"""

import asyncio
import secrets
from functools import partial
from typing import Final

from hazelcast.asyncio import HazelcastClient

from immutant.clock import Clock, SystemClock
from immutant.contract.environment import Grid
from immutant.grid.caches import GridCaches
from immutant.grid.calls import Calls
from immutant.grid.client import connect
from immutant.grid.firsts import first
from immutant.grid.queues import GridQueues
from immutant.grid.topics import GridTopics
from immutant.grid.topology import Topology

__all__ = ["GridBackend"]

_SECRETS: Final = "secrets"

_FAREWELL: Final = 0.05
"""Seconds in which members notice that a connection is closed; until then they would hand what is
sent to receives that waited there (measured: one to three of six, sent at once; none after this).
"""


class GridBackend:
    """One replica's view of the grid.

    A write that returned is on all its owners, two by default: it survives the death of any one
    member, once the grid is safe again of the next.
    """

    def __init__(self, client: HazelcastClient, grid: Grid, clock: Clock) -> None:
        """Use `open`."""
        self._client = client
        self._calls = Calls()
        self._closed = False
        self.caches = GridCaches(client, self._calls, Topology(grid.topology, clock))
        self.queues = GridQueues(client, self._calls, clock)
        self.topics = GridTopics(client, self._calls, self.queues)

    @classmethod
    async def open(cls, grid: Grid, *, replica: str, clock: Clock | None = None) -> "GridBackend":
        """Connect to the grid; waits for it for as long as it takes.

        Args:
            grid: Where it is.
            replica: This replica's name.
            clock: What delays and visibility are measured with.
        """
        return cls(await connect(grid, replica), grid, clock or SystemClock())

    async def secret(self, name: str) -> bytes:
        """32 random bytes, drawn once for the application and the same on every replica."""
        what, drawn = f"the secret {name!r}", secrets.token_bytes(32)
        kept = await self._calls.read(what, partial(self._client.get_map, _SECRETS))
        return await first(self._calls, kept, name, drawn, 0, what)

    async def close(self) -> None:
        """Give back what this replica holds and let go of the grid.

        Receives that wait end with StoreError.
        """
        if self._closed:
            return
        self._closed = True
        await self.queues.close()
        self._calls.close()
        await self._client.shutdown()
        await asyncio.sleep(_FAREWELL)
