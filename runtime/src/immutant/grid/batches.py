"""Messages that are sent together: all or none of them, in the end.

Belongs here: the verdict on a batch, which is one entry of one map. Not here: its messages.

The messages of a batch are stored first, pending; then the verdict is written, once for good: sent,
by the sender, or dropped, by a sweeper that found them pending for long. Whoever sees a verdict may
carry it out.
"""

from functools import partial
from typing import Final

from hazelcast.asyncio import HazelcastClient, Map

from immutant.errors import StoreError
from immutant.grid.calls import Calls
from immutant.grid.firsts import first

__all__ = ["Batches"]

_MAP: Final = "batches"
_SENT: Final = b"sent"
_DROPPED: Final = b"dropped"

_KEPT: Final = 7 * 86_400.0
"""Seconds for which a verdict is kept; messages that were pending longer than that are dropped."""


class Batches:
    """The verdicts on all batches of an application."""

    def __init__(self, client: HazelcastClient, calls: Calls) -> None:
        self._client = client
        self._calls = calls

    async def commit(self, batch: str) -> None:
        """Send the batch.

        Raises:
            UncertainWriteError: It may or may not be sent.
            StoreError: A sweeper has dropped it.
        """
        if await self._decide(batch, _SENT) != _SENT:
            raise StoreError("the messages took too long to be stored; none of them was sent")

    async def is_sent(self, batch: str) -> bool:
        """Whether the batch is sent already."""
        verdicts = await self._map()
        verdict = await self._calls.read(_name(batch), lambda: verdicts.get(batch))
        return verdict is not None and bytes(verdict) == _SENT

    async def drop(self, batch: str) -> bool:
        """Drop the batch; False when it is sent."""
        return await self._decide(batch, _DROPPED) == _DROPPED

    async def _decide(self, batch: str, verdict: bytes) -> bytes:
        """Write the verdict unless there is one; the one that holds, once all owners have it."""
        return await first(self._calls, await self._map(), batch, verdict, _KEPT, _name(batch))

    async def _map(self) -> "Map[str, bytearray]":
        return await self._calls.read(f"the map {_MAP!r}", partial(self._client.get_map, _MAP))


def _name(batch: str) -> str:
    return f"the verdict on batch {batch}"
