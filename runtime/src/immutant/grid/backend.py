"""The grid backend: one replica's connection to the shared state.

Belongs here: putting the parts together and taking them apart. Not here: what any part does.
"""

from immutant.contract.environment import Grid
from immutant.stores import CacheStore, QueueStore, TopicStore

__all__ = ["GridBackend"]


class GridBackend:
    """One replica's view of the grid."""

    caches: CacheStore
    queues: QueueStore
    topics: TopicStore

    @classmethod
    async def open(cls, grid: Grid, *, replica: str) -> "GridBackend":
        """Connect to the grid."""
        raise NotImplementedError

    async def secret(self, name: str) -> bytes:
        """32 random bytes, drawn once for the application and the same on every replica."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give back what this replica holds and let go of the grid."""
        raise NotImplementedError
