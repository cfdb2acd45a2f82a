"""Caches as distributed maps.

Belongs here: the CacheStore of the grid. Not here: JSON, fencing, eviction.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

from hazelcast import aggregator, predicate
from hazelcast.asyncio import HazelcastClient, Map
from hazelcast.errors import HazelcastSerializationError

from immutant.grid.calls import Calls
from immutant.grid.client import packed, unpacked
from immutant.grid.processors import CompareAndSwap
from immutant.grid.topology import Topology

__all__ = ["GridCaches"]

_GRAIN: Final = 1.0
"""Seconds by which the grid ends a time to live too early, at most: it keeps whole seconds."""

_AT_ONCE: Final = 100
"""Entries written at a time: more make backups late, and lateness is doubt."""


class GridCaches:
    """Each entry is on as many members as the grid keeps copies; a replica's own keeps some.

    Times to live are the grid's: measured on the members' clocks, never too short, and up to a
    second too long.
    """

    def __init__(self, client: HazelcastClient, calls: Calls, topology: Topology) -> None:
        self._client = client
        self._calls = calls
        self._topology = topology

    async def get(self, cache: str, key: str) -> bytes | None:
        entries = await self._map(cache)
        what = _name(cache, key)
        value = await self._calls.read(what, lambda: entries.get(key))
        return None if value is None else unpacked(value, what)

    async def get_many(self, cache: str, keys: Sequence[str]) -> dict[str, bytes]:
        entries = await self._map(cache)
        what = f"cache {cache!r}"
        found = await self._calls.read(what, lambda: entries.get_all(list(keys)))
        return {key: unpacked(value, _name(cache, key)) for key, value in found.items()}

    async def put(self, cache: str, key: str, value: bytes, ttl: float | None) -> None:
        entries, data = await self._map(cache), packed(value)
        await self._calls.repeat(
            _name(cache, key), lambda: entries.set(key, data, ttl=_seconds(ttl))
        )

    async def put_many(self, cache: str, values: Mapping[str, bytes], ttl: float | None) -> None:
        items = list(values.items())
        for start in range(0, len(items), _AT_ONCE):
            some = items[start : start + _AT_ONCE]
            await asyncio.gather(*(self.put(cache, key, value, ttl) for key, value in some))

    async def put_if_absent(
        self, cache: str, key: str, value: bytes, ttl: float | None
    ) -> bytes | None:
        entries, data = await self._map(cache), packed(value)
        what = _name(cache, key)
        present = await self._calls.once(
            what, lambda: entries.put_if_absent(key, data, ttl=_seconds(ttl))
        )
        return None if present is None else unpacked(present, what)

    async def replace(
        self, cache: str, key: str, old: bytes, new: bytes, ttl: float | None
    ) -> bool:
        entries = await self._map(cache)
        swap = CompareAndSwap(packed(old), packed(new), round(_seconds(ttl) * 1000))
        swapped = await self._calls.once(
            _name(cache, key), lambda: entries.execute_on_key(key, swap)
        )
        return bool(swapped)

    async def remove(self, cache: str, key: str) -> bool:
        """Remove the entry.

        When the first attempt got no answer, the entry is removed again and the answer is True
        without anyone knowing whether it had been there.
        """
        entries = await self._map(cache)
        attempts: list[None] = []

        async def remove() -> bool:
            attempts.append(None)
            try:
                return await entries.remove(key) is not None or len(attempts) > 1
            except HazelcastSerializationError:
                return True  # it is gone; what somebody else had stored there cannot be read

        return await self._calls.repeat(_name(cache, key), remove)

    async def remove_if(self, cache: str, key: str, old: bytes) -> bool:
        entries, data = await self._map(cache), packed(old)
        removed = await self._calls.once(
            _name(cache, key), lambda: entries.remove_if_same(key, data)
        )
        return bool(removed)

    async def touch(self, cache: str, key: str, ttl: float | None) -> bool:
        entries = await self._map(cache)
        # Declared as None, it answers whether there is such an entry.
        touch = cast("Any", partial(entries.set_ttl, key, _seconds(ttl)))
        return bool(await self._calls.repeat(_name(cache, key), touch))

    async def entries(self, cache: str, *, local: bool = False) -> dict[str, bytes]:
        entries = await self._map(cache)
        found = await self._calls.read(f"cache {cache!r}", lambda: entries.entry_set())
        if local:
            kept = await self._topology.kept()
            found = [(key, value) for key, value in found if await self._partition(key) in kept]
        return {key: unpacked(value, _name(cache, key)) for key, value in found}

    async def some(self, cache: str, limit: int) -> dict[str, bytes]:
        entries = await self._map(cache)
        found = await self._calls.read(
            f"cache {cache!r}",
            lambda: entries.entry_set(predicate.paging(predicate.true(), limit)),
        )
        return {key: unpacked(value, _name(cache, key)) for key, value in found}

    async def owners(self, cache: str, key: str) -> list[str]:
        return await self._topology.owners(f"cache.{cache}", key)

    async def size(self, cache: str) -> int:
        entries = await self._map(cache)
        # The map's own size counts what has expired and is not swept yet.
        count = partial(entries.aggregate, aggregator.count())
        return int(await self._calls.read(f"cache {cache!r}", count))

    async def clear(self, cache: str) -> None:
        entries = await self._map(cache)
        await self._calls.repeat(f"cache {cache!r}", entries.clear)

    async def _map(self, cache: str) -> "Map[str, bytearray]":
        return await self._calls.read(
            f"cache {cache!r}", lambda: self._client.get_map(f"cache.{cache}")
        )

    def _partition(self, key: str) -> Awaitable[int]:
        return self._client.partition_service.get_partition_id(key)


def _seconds(ttl: float | None) -> float:
    """A time to live as the grid takes it; 0 is for ever."""
    return 0.0 if ttl is None else max(0.0, ttl) + _GRAIN


def _name(cache: str, key: str) -> str:
    return f"the entry {key!r} in cache {cache!r}"
