"""The fenced kind of entries (coordination.md, rule 14).

Belongs here: tokens, expiry and tombstones over `immutant.services.versions`. The promise: what a
tenure has read or written here, no older tenure of that singleton changes. Its limits: a split
cluster, eviction and loss of data; ten minutes after an entry was deleted or has expired; listings,
which read without stamping.

An absence that a tenure reads is stamped too, as a tombstone: a frozen predecessor could otherwise
put its own value where the successor has seen none.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence

from immutant.context import ActingTenure, acting_tenure
from immutant.errors import StaleTenureError
from immutant.running import Replica
from immutant.services.entries import Changed, Decide, Mark
from immutant.services.envelope import Envelope
from immutant.services.pausing import together
from immutant.services.versions import Versions
from immutant.stores import CacheStore
from immutant.values import Value

__all__ = ["FencedEntries"]


class FencedEntries:
    """Entries in envelopes, every write a compare-and-swap."""

    def __init__(
        self, cache: str, replica: Replica, ids: Callable[[], str] = lambda: secrets.token_hex(6)
    ) -> None:
        self._cache = cache
        self._store: CacheStore = replica.backend.caches
        self._clock = replica.clock
        self._versions = Versions(cache, replica, self._keep)
        self._ids = ids

    async def get(self, key: str) -> Value:
        return (await self.change(key, lambda _: Mark.KEEP, None)).before

    async def get_many(self, keys: Sequence[str]) -> dict[str, Value]:
        if acting_tenure.get() is None:
            return self._values(await self._store.get_many(self._cache, keys))
        values = await together(self.get(key) for key in keys)
        return {
            key: value for key, value in zip(keys, values, strict=True) if value is not Mark.ABSENT
        }

    async def put(self, key: str, value: Value, ttl: float | None) -> None:
        await self.change(key, lambda _: value, ttl)

    async def put_many(self, values: Mapping[str, Value], ttl: float | None) -> None:
        await together(self.put(key, value, ttl) for key, value in values.items())

    async def remove(self, key: str) -> bool:
        return (await self.change(key, lambda _: Mark.ABSENT, None)).before is not Mark.ABSENT

    async def entries(self, *, local: bool) -> dict[str, Value]:
        return self._values(await self._store.entries(self._cache, local=local))

    async def some(self, limit: int) -> dict[str, Value]:
        """Fewer where tombstones are among them."""
        return self._values(await self._store.some(self._cache, limit))

    async def size(self) -> int:
        return len(await self.entries(local=False))

    async def clear(self) -> None:
        await together([self.remove(key) for key in await self.entries(local=False)])

    async def change(self, key: str, decide: Decide, ttl: float | None) -> Changed:
        """Replace the value by what `decide` makes of it; a decision to keep it is a read.

        Raises:
            StaleTenureError: A newer tenure of the caller's singleton has been here.
            UncertainWriteError: Whether it was done could not be settled.
        """
        write = self._ids()
        losses = 0
        while True:
            seen = await self._versions.read(key)
            before = seen.envelope.at(self._clock.wall())
            after = decide(before)
            wanted = self._wanted(key, seen.envelope, write, before, after, ttl)
            if wanted is None or await self._versions.swap(key, seen, wanted, write):
                return Changed(before, before if after is Mark.KEEP else after)
            losses += 1
            await self._versions.pause(losses)

    def _keep(self, version: Envelope) -> float | None:
        return version.keep(self._clock.wall())

    def _wanted(
        self, key: str, seen: Envelope, write: str, before: Value, after: Value, ttl: float | None
    ) -> Envelope | None:
        """The version to be written; None when nothing needs to be."""
        tenure = acting_tenure.get()
        idle = after is Mark.KEEP or after is before is Mark.ABSENT
        stamped = seen if tenure is None else self._stamped(key, seen, tenure)
        if idle and stamped is seen:
            return None
        if idle:
            return stamped.written(write, seen.value, seen.expiry)
        expiry = None if ttl is None or after is Mark.ABSENT else self._clock.wall() + ttl
        return stamped.written(write, after, expiry)

    def _stamped(self, key: str, seen: Envelope, tenure: ActingTenure) -> Envelope:
        there = seen.tokens.get(tenure.singleton)
        if there is not None and there > tenure.token:
            raise StaleTenureError(
                f"{key!r} in cache {self._cache!r} belongs to tenure {there} of {tenure.singleton} "
                f"and this is tenure {tenure.token}: a successor has taken over; let this one end"
            )
        if there == tenure.token:
            return seen
        return seen.stamped(tenure.singleton, tenure.token)

    def _values(self, found: Mapping[str, bytes]) -> dict[str, Value]:
        wall = self._clock.wall()
        values = {
            key: Envelope.decode(data, self._versions.describe(key)).at(wall)
            for key, data in found.items()
        }
        return {key: value for key, value in values.items() if value is not Mark.ABSENT}
