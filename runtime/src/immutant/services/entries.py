"""How a cache's entries are read and written: the border between `Cache` and its two kinds.

Belongs here: the protocol, and the kind without fencing. Not here: keys' and values' checks and
everything that can be said in terms of `change` (`immutant.services.cache`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol

from immutant.backoff import Backoff
from immutant.context import acting_tenure
from immutant.running import Replica
from immutant.stores import CacheStore
from immutant.values import MAX_VALUE, Value, decode, encode

__all__ = ["CONTENTION", "Changed", "Decide", "Entries", "Mark", "PlainEntries", "check_tenure"]

CONTENTION: Final = Backoff(first=0.001, most=0.1)
"""Waits after a lost compare-and-swap; in real time, so that a fake clock cannot stop the loop."""


class Mark(Enum):
    """What is no value: an absent entry, or the decision to leave an entry as it is."""

    ABSENT = "absent"
    KEEP = "keep"


Decide = Callable[[Value], Value]
"""From the value (or ABSENT) to the new value, ABSENT (remove it) or KEEP; may run repeatedly."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An entry's value before and after a change; ABSENT where there was or is none."""

    before: Value
    after: Value


class Entries(Protocol):
    """One cache's entries, as values."""

    async def get(self, key: str) -> Value:
        """The value, or ABSENT."""

    async def get_many(self, keys: Sequence[str]) -> dict[str, Value]:
        """The values of those keys that are present."""

    async def put(self, key: str, value: Value, ttl: float | None) -> None:
        """Store the value, whatever was there."""

    async def put_many(self, values: Mapping[str, Value], ttl: float | None) -> None:
        """Store each of the values; atomic one by one."""

    async def change(self, key: str, decide: Decide, ttl: float | None) -> Changed:
        """Replace the value by what `decide` makes of it, atomically."""

    async def remove(self, key: str) -> bool:
        """Remove the entry; False when there was none."""

    async def entries(self, *, local: bool) -> dict[str, Value]:
        """All entries, or those of which this replica keeps a copy."""

    async def some(self, limit: int) -> dict[str, Value]:
        """Up to `limit` entries."""

    async def size(self) -> int:
        """How many entries there are."""

    async def clear(self) -> None:
        """Remove all entries."""


def check_tenure() -> None:
    """Refuse to go on for a tenure that has ended.

    Raises:
        TenureLostError: The code at hand acts for a tenure that is over.
    """
    tenure = acting_tenure.get()
    if tenure is not None:
        tenure.check()


class PlainEntries:
    """Entries as they are; a tenure's writes are checked against its deadline, no more."""

    def __init__(self, cache: str, replica: Replica) -> None:
        self._cache = cache
        self._store: CacheStore = replica.backend.caches
        self._random = replica.random

    async def get(self, key: str) -> Value:
        return self._decode(key, await self._store.get(self._cache, key))

    async def get_many(self, keys: Sequence[str]) -> dict[str, Value]:
        found = await self._store.get_many(self._cache, keys)
        return {key: self._decode(key, data) for key, data in found.items()}

    async def put(self, key: str, value: Value, ttl: float | None) -> None:
        data = self._encode(key, value)
        check_tenure()
        await self._store.put(self._cache, key, data, ttl)

    async def put_many(self, values: Mapping[str, Value], ttl: float | None) -> None:
        data = {key: self._encode(key, value) for key, value in values.items()}
        check_tenure()
        await self._store.put_many(self._cache, data, ttl)

    async def change(self, key: str, decide: Decide, ttl: float | None) -> Changed:
        losses = 0
        while True:
            seen = await self._store.get(self._cache, key)
            before = self._decode(key, seen)
            after = decide(before)
            if after is Mark.KEEP or after is before is Mark.ABSENT:
                return Changed(before, before)
            check_tenure()
            if await self._swap(key, seen, after, ttl):
                return Changed(before, after)
            losses += 1
            await asyncio.sleep(CONTENTION.delay(losses, self._random))

    async def remove(self, key: str) -> bool:
        check_tenure()
        return await self._store.remove(self._cache, key)

    async def entries(self, *, local: bool) -> dict[str, Value]:
        found = await self._store.entries(self._cache, local=local)
        return {key: self._decode(key, data) for key, data in found.items()}

    async def some(self, limit: int) -> dict[str, Value]:
        found = await self._store.some(self._cache, limit)
        return {key: self._decode(key, data) for key, data in found.items()}

    async def size(self) -> int:
        return await self._store.size(self._cache)

    async def clear(self) -> None:
        check_tenure()
        await self._store.clear(self._cache)

    async def _swap(self, key: str, seen: bytes | None, after: Value, ttl: float | None) -> bool:
        if after is Mark.ABSENT:
            return await self._store.remove_if(self._cache, key, seen or b"")
        data = self._encode(key, after)
        if seen is None:
            return await self._store.put_if_absent(self._cache, key, data, ttl) is None
        return await self._store.replace(self._cache, key, seen, data, ttl)

    def _encode(self, key: str, value: Value) -> bytes:
        return encode(value, f"the value of {key!r} in cache {self._cache!r}", MAX_VALUE)

    def _decode(self, key: str, data: bytes | None) -> Value:
        if data is None:
            return Mark.ABSENT
        return decode(data, f"the value of {key!r} in cache {self._cache!r}")
