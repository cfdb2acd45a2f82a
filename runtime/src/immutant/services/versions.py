"""Compare-and-swap over envelopes, exact although answers get lost.

Belongs here: reading a version, writing the next one under a write-id, and finding out what became
of a write whose answer is unknown or a lie (a compare-and-swap that a client repeated by itself
answers False although it was applied). Not here: what is written and why.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from immutant.errors import StoreError, UncertainWriteError
from immutant.running import Replica
from immutant.services.entries import CONTENTION, check_tenure
from immutant.services.envelope import Envelope, Fate

__all__ = ["Seen", "Versions"]

_SETTLING = 8
"""How often an unsettled write is looked after before its caller hears that it is uncertain."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A version as it was read; `data` is None when the store has none."""

    data: bytes | None
    envelope: Envelope


class Versions:
    """The versions of one cache's entries."""

    def __init__(
        self, cache: str, replica: Replica, keep: Callable[[Envelope], float | None]
    ) -> None:
        """Look at a cache.

        Args:
            cache: Its name.
            replica: Whose backend keeps it.
            keep: Seconds that the store is to keep a version, whoever wrote it; None: for ever.
        """
        self._cache = cache
        self._keep = keep
        self._store = replica.backend.caches
        self._random = replica.random

    async def read(self, key: str) -> Seen:
        """The version that is stored now."""
        data = await self._store.get(self._cache, key)
        if data is None:
            return Seen(None, Envelope())
        return Seen(data, Envelope.decode(data, self.describe(key)))

    async def swap(self, key: str, seen: Seen, wanted: Envelope, write: str) -> bool:
        """Replace the version seen by the wanted one, which lists `write` as its last.

        Returns:
            Whether it was written; False only when it is certain that it was not and will not be.

        Raises:
            UncertainWriteError: That could not be settled.
            TenureLostError: The caller's tenure has ended.
        """
        try:
            if await self._send(key, seen, wanted):
                return True
        except UncertainWriteError as error:
            return await self._settle(key, seen, wanted, write, error)
        try:
            now = await self.read(key)
        except StoreError as error:
            raise self._uncertain(key) from error
        return self._fate(key, now, seen, write) is Fate.APPLIED

    async def pause(self, losses: int) -> None:
        """Let those go on to whom the last compare-and-swap was lost."""
        await asyncio.sleep(CONTENTION.delay(losses, self._random))

    def describe(self, key: str) -> str:
        """The entry's name in a sentence."""
        return f"the entry {key!r} in cache {self._cache!r}"

    async def _settle(
        self, key: str, seen: Seen, wanted: Envelope, write: str, error: StoreError
    ) -> bool:
        """Find out what became of a write, and see to it that all copies have it.

        A version found under the write-id may be on one copy only, so it is written over itself
        until that is acknowledged without doubt. A version that is not there yet may still be on
        its way; the repetition is the same to the byte, so that only one of them can be applied.
        """
        for trial in range(1, _SETTLING + 1):
            await self.pause(trial)
            try:
                now = await self.read(key)
                fate = self._fate(key, now, seen, write)
                if fate is Fate.NOT_APPLIED and now.data != seen.data:
                    return False
                again = (seen, wanted) if fate is Fate.NOT_APPLIED else (now, now.envelope)
                if await self._send(key, *again):
                    return True
            except StoreError as later:
                error = later
        raise self._uncertain(key) from error

    async def _send(self, key: str, seen: Seen, wanted: Envelope) -> bool:
        data, ttl = wanted.encode(self.describe(key)), self._keep(wanted)
        check_tenure()
        if seen.data is None:
            return await self._store.put_if_absent(self._cache, key, data, ttl) is None
        return await self._store.replace(self._cache, key, seen.data, data, ttl)

    def _fate(self, key: str, now: Seen, seen: Seen, write: str) -> Fate:
        if now.data is None or now.data == seen.data:
            return Fate.NOT_APPLIED
        fate = now.envelope.fate(write, seen.envelope)
        if fate is Fate.UNKNOWN:
            raise UncertainWriteError(
                f"{self.describe(key)} was changed more than eight times while this write was on "
                "its way, so that nobody can tell whether it was one of them; read and decide"
            )
        return fate

    def _uncertain(self, key: str) -> UncertainWriteError:
        return UncertainWriteError(
            f"{self.describe(key)} may or may not have been written: the store does not answer; "
            "read it once the store is back, and write again if it is not there"
        )
