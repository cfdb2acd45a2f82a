"""A cache store whose answers get lost, and tenures without an election, for the fenced cache."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from immutant.errors import TenureLostError, UncertainWriteError
from immutant.running import Replica
from immutant.stores import QueueStore, TopicStore
from immutant.testing.clock import FakeClock

Treason = Literal["", "applied", "lost", "late", "denied"]
"""How a compare-and-swap is answered: well; applied but UncertainWriteError; not applied but
UncertainWriteError; UncertainWriteError and applied after later requests; applied but False."""


@dataclass
class TreacherousStore:
    """A CacheStore in a dict. `treasons` are the answers to the next compare-and-swaps."""

    treasons: list[Treason] = field(default_factory=list)
    data: dict[str, bytes] = field(default_factory=dict)
    ttls: dict[str, float | None] = field(default_factory=dict)
    swaps: int = 0
    _late: list[tuple[str, bytes | None, bytes, float | None]] = field(default_factory=list)

    async def get(self, cache: str, key: str) -> bytes | None:
        await asyncio.sleep(0)
        return self.data.get(key)

    async def get_many(self, cache: str, keys: Sequence[str]) -> dict[str, bytes]:
        return {key: self.data[key] for key in keys if key in self.data}

    async def put(self, cache: str, key: str, value: bytes, ttl: float | None) -> None:
        raise AssertionError("a fenced entry is only ever compared and swapped")

    async def put_many(self, cache: str, values: Mapping[str, bytes], ttl: float | None) -> None:
        raise AssertionError("a fenced entry is only ever compared and swapped")

    async def put_if_absent(
        self, cache: str, key: str, value: bytes, ttl: float | None
    ) -> bytes | None:
        there = self.data.get(key)
        return None if await self._swap(key, None, value, ttl) else there or value

    async def replace(
        self, cache: str, key: str, old: bytes, new: bytes, ttl: float | None
    ) -> bool:
        return await self._swap(key, old, new, ttl)

    async def remove(self, cache: str, key: str) -> bool:
        raise AssertionError("a fenced entry leaves a tombstone")

    async def remove_if(self, cache: str, key: str, old: bytes) -> bool:
        raise AssertionError("a fenced entry leaves a tombstone")

    async def touch(self, cache: str, key: str, ttl: float | None) -> bool:
        raise AssertionError("a fenced entry is only ever compared and swapped")

    async def entries(self, cache: str, *, local: bool = False) -> dict[str, bytes]:
        return dict(self.data)

    async def some(self, cache: str, limit: int) -> dict[str, bytes]:
        return dict(list(self.data.items())[:limit])

    async def owners(self, cache: str, key: str) -> list[str]:
        return []

    async def size(self, cache: str) -> int:
        return len(self.data)

    async def clear(self, cache: str) -> None:
        raise AssertionError("a fenced entry leaves a tombstone")

    async def _swap(self, key: str, old: bytes | None, new: bytes, ttl: float | None) -> bool:
        await asyncio.sleep(0)
        self.swaps += 1
        treason = self.treasons.pop(0) if self.treasons else ""
        if treason == "late":
            self._late.append((key, old, new, ttl))
            raise UncertainWriteError("no answer")
        applied = treason != "lost" and self._apply(key, old, new, ttl)
        late, self._late = self._late, []
        for request in late:
            self._apply(*request)
        if treason in ("applied", "lost"):
            raise UncertainWriteError("no answer")
        return applied and treason != "denied"

    def _apply(self, key: str, old: bytes | None, new: bytes, ttl: float | None) -> bool:
        if self.data.get(key) != old:
            return False
        self.data[key], self.ttls[key] = new, ttl
        return True


@dataclass
class StoreBackend:
    """A Backend of which only the caches are used."""

    caches: TreacherousStore

    @property
    def queues(self) -> QueueStore:
        raise NotImplementedError

    @property
    def topics(self) -> TopicStore:
        raise NotImplementedError

    async def secret(self, name: str) -> bytes:
        return b"s" * 32

    async def close(self) -> None: ...


@dataclass
class Holder:
    """A tenure as the services see it."""

    singleton: str
    token: int
    is_over: bool = False
    threads: set[Future[Any]] = field(default_factory=set)

    def check(self) -> None:
        if self.is_over:
            raise TenureLostError("over")


def replica_on(store: TreacherousStore, clock: FakeClock) -> Replica:
    """A replica whose backend is that store."""
    return Replica("r-0", StoreBackend(store), clock, asyncio.get_running_loop(), Random(0))
