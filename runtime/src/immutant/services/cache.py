"""The cache as users hold it.

Belongs here: everything that is said in terms of a few operations on entries. Not here: how entries
are stored (`entries` and `fenced`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TypeVar

from immutant.definitions import CacheDefinition, check_count
from immutant.durations import Duration, positive
from immutant.errors import ValueRefusedError
from immutant.running import Binding
from immutant.services.blocking import BlockingCache
from immutant.services.entries import Entries, Mark, PlainEntries
from immutant.services.fenced import FencedEntries
from immutant.services.memo import memoized
from immutant.values import Value, check_key

__all__ = ["Cache"]

F = TypeVar("F", bound=Callable[..., object])


class Cache:
    """Named values by text keys, the same on every replica.

    Values are JSON or bytes, up to 1 MiB. `ttl` is a duration from the write on (seconds, or text
    like "5m"), more than zero; without it the cache's own applies. Every write begins a new time to
    live.

    Every method may raise NotRunningError (the application does not run), StoreError (it was not
    done), UncertainWriteError (a write may or may not have been done), TenureLostError (the calling
    daemon or job is no longer the one) and, on a fenced cache, StaleTenureError.
    """

    def __init__(self, definition: CacheDefinition, binding: Binding) -> None:
        self.definition = definition
        self._binding = binding
        self._what = f"cache {definition.name!r}"

    @property
    def name(self) -> str:
        """The cache's name."""
        return self.definition.name

    @cached_property
    def blocking(self) -> BlockingCache:
        """The same cache for plain `def` functions, which run in threads."""
        return BlockingCache(self, self._binding, self._what)

    async def get(self, key: str, default: Value = None) -> Value:
        """The value, or `default` when there is none."""
        value = await self._entries().get(self._key(key))
        return default if value is Mark.ABSENT else value

    async def get_many(self, keys: Sequence[str]) -> dict[str, Value]:
        """The values of those keys that are present."""
        return await self._entries().get_many([self._key(key) for key in keys])

    async def contains(self, key: str) -> bool:
        """Whether there is a value."""
        return await self._entries().get(self._key(key)) is not Mark.ABSENT

    async def put(self, key: str, value: Value, *, ttl: Duration | None = None) -> None:
        """Store the value, whatever was there."""
        await self._entries().put(self._key(key), value, self._ttl(ttl))

    async def put_many(self, values: Mapping[str, Value], *, ttl: Duration | None = None) -> None:
        """Store all of the values; each is atomic, the whole is not."""
        checked = {self._key(key): value for key, value in values.items()}
        await self._entries().put_many(checked, self._ttl(ttl))

    async def put_if_absent(self, key: str, value: Value, *, ttl: Duration | None = None) -> bool:
        """Store the value if there is none; False when there is one."""

        def decide(before: Value) -> Value:
            return value if before is Mark.ABSENT else Mark.KEEP

        changed = await self._entries().change(self._key(key), decide, self._ttl(ttl))
        return changed.before is Mark.ABSENT

    async def replace(
        self, key: str, old: Value, new: Value, *, ttl: Duration | None = None
    ) -> bool:
        """Compare-and-swap: store `new` if the value equals `old`; False when it does not."""

        def decide(before: Value) -> Value:
            return new if _equal(before, old) else Mark.KEEP

        changed = await self._entries().change(self._key(key), decide, self._ttl(ttl))
        return _equal(changed.before, old)

    async def remove(self, key: str) -> bool:
        """Remove the entry; False when there was none."""
        return await self._entries().remove(self._key(key))

    async def increment(
        self, key: str, by: float = 1, *, initial: float = 0, ttl: Duration | None = None
    ) -> Value:
        """Add to a number, beginning from `initial`; returns the sum."""

        def add(value: Value) -> Value:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueRefusedError(
                    f"{key!r} in {self._what} holds {value!r}, which cannot be incremented; "
                    "remove it or use another key"
                )
            return value + by

        return await self.update(key, add, default=initial, ttl=ttl)

    async def update(
        self,
        key: str,
        change: Callable[[Value], Value],
        *,
        default: Value = None,
        ttl: Duration | None = None,
    ) -> Value:
        """Replace the value by what `change` makes of it, atomically; returns the new value.

        `change` gets `default` where there is no value. It may be called several times, when others
        write meanwhile, so it should do nothing but compute.
        """

        def decide(before: Value) -> Value:
            return change(default if before is Mark.ABSENT else before)

        return (await self._entries().change(self._key(key), decide, self._ttl(ttl))).after

    async def entries(self) -> dict[str, Value]:
        """All entries, for small caches: they are brought here as a whole."""
        return await self._entries().entries(local=False)

    async def local_entries(self) -> dict[str, Value]:
        """The entries of which this replica keeps a copy, as owner or backup."""
        return await self._entries().entries(local=True)

    async def some(self, limit: int) -> dict[str, Value]:
        """Up to `limit` entries, whichever: a look into a cache that may be large."""
        return await self._entries().some(check_count(limit, "limit"))

    async def owners(self, key: str) -> list[str]:
        """Who keeps a copy of the key's entry, the owner first; [] where every replica does.

        In a cluster these are the addresses of members, which are those of their pods.
        """
        store = self._binding.current(self._what).backend.caches
        return await store.owners(self.name, self._key(key))

    async def size(self) -> int:
        """How many entries there are."""
        return await self._entries().size()

    async def clear(self) -> None:
        """Remove all entries."""
        await self._entries().clear()

    def memo(self, *, ttl: Duration | None = None) -> Callable[[F], F]:
        """Decorate a function so that its results are kept here, by its name and arguments.

        Arguments and results must be JSON. Callers that arrive together may each compute.
        """
        return lambda function: memoized(self, function, ttl)

    def _entries(self) -> Entries:
        replica = self._binding.current(self._what)
        if self.definition.fenced:
            return FencedEntries(self.name, replica)
        return PlainEntries(self.name, replica)

    def _key(self, key: str) -> str:
        return check_key(key, self._what)

    def _ttl(self, ttl: Duration | None) -> float | None:
        return self.definition.ttl if ttl is None else positive(ttl, "ttl")


def _equal(one: Value, other: Value) -> bool:
    """Whether two JSON values are the same, at every depth; Python alone holds that True == 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
