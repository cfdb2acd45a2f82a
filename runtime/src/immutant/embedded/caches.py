"""Caches as rows.

Belongs here: the CacheStore of the embedded backend. Not here: JSON, fencing, eviction.
"""

# ruff: noqa: S608 - what the statements are put together from are constants of this module.

from collections.abc import Mapping, Sequence

from immutant.embedded.engine import Engine
from immutant.embedded.transaction import Transaction

__all__ = ["EmbeddedCaches"]

_LIVE = "(expires IS NULL OR expires > ?)"


class EmbeddedCaches:
    """Every replica has the whole cache: it is one file."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def get(self, cache: str, key: str) -> bytes | None:
        return await self._engine.read(lambda transaction: _get(transaction, cache, key))

    async def get_many(self, cache: str, keys: Sequence[str]) -> dict[str, bytes]:
        def work(transaction: Transaction) -> dict[str, bytes]:
            found = ((key, _get(transaction, cache, key)) for key in keys)
            return {key: value for key, value in found if value is not None}

        return await self._engine.read(work)

    async def put(self, cache: str, key: str, value: bytes, ttl: float | None) -> None:
        await self._engine.write(lambda transaction: _put(transaction, cache, key, value, ttl))

    async def put_many(self, cache: str, values: Mapping[str, bytes], ttl: float | None) -> None:
        def work(transaction: Transaction) -> None:
            for key, value in values.items():
                _put(transaction, cache, key, value, ttl)

        await self._engine.write(work)

    async def put_if_absent(
        self, cache: str, key: str, value: bytes, ttl: float | None
    ) -> bytes | None:
        def work(transaction: Transaction) -> bytes | None:
            present = _get(transaction, cache, key)
            if present is None:
                _put(transaction, cache, key, value, ttl)
            return present

        return await self._engine.write(work)

    async def replace(
        self, cache: str, key: str, old: bytes, new: bytes, ttl: float | None
    ) -> bool:
        def work(transaction: Transaction) -> bool:
            if _get(transaction, cache, key) != old:
                return False
            _put(transaction, cache, key, new, ttl)
            return True

        return await self._engine.write(work)

    async def remove(self, cache: str, key: str) -> bool:
        def work(transaction: Transaction) -> bool:
            present = _get(transaction, cache, key) is not None
            return _remove(transaction, cache, key) and present

        return await self._engine.write(work)

    async def remove_if(self, cache: str, key: str, old: bytes) -> bool:
        def work(transaction: Transaction) -> bool:
            return _get(transaction, cache, key) == old and _remove(transaction, cache, key)

        return await self._engine.write(work)

    async def touch(self, cache: str, key: str, ttl: float | None) -> bool:
        def work(transaction: Transaction) -> bool:
            touched = transaction.change(
                f"UPDATE entries SET expires = ? WHERE cache = ? AND key = ? AND {_LIVE}",
                _expiry(transaction, ttl),
                cache,
                key,
                transaction.now,
            )
            return touched > 0

        return await self._engine.write(work)

    async def entries(self, cache: str, *, local: bool = False) -> dict[str, bytes]:
        return await self._engine.read(
            lambda transaction: dict(
                transaction.run(
                    f"SELECT key, value FROM entries WHERE cache = ? AND {_LIVE}",
                    cache,
                    transaction.now,
                )
            )
        )

    async def some(self, cache: str, limit: int) -> dict[str, bytes]:
        return await self._engine.read(
            lambda transaction: dict(
                transaction.run(
                    f"SELECT key, value FROM entries WHERE cache = ? AND {_LIVE}"
                    " ORDER BY key LIMIT ?",
                    cache,
                    transaction.now,
                    limit,
                )
            )
        )

    async def owners(self, cache: str, key: str) -> list[str]:
        return []

    async def size(self, cache: str) -> int:
        def work(transaction: Transaction) -> int:
            rows = transaction.run(
                f"SELECT count(*) FROM entries WHERE cache = ? AND {_LIVE}",
                cache,
                transaction.now,
            )
            return int(rows[0][0])

        return await self._engine.read(work)

    async def clear(self, cache: str) -> None:
        await self._engine.write(
            lambda transaction: transaction.change("DELETE FROM entries WHERE cache = ?", cache)
        )


def _get(transaction: Transaction, cache: str, key: str) -> bytes | None:
    row = transaction.one(
        f"SELECT value FROM entries WHERE cache = ? AND key = ? AND {_LIVE}",
        cache,
        key,
        transaction.now,
    )
    return row[0] if row else None


def _put(transaction: Transaction, cache: str, key: str, value: bytes, ttl: float | None) -> None:
    _remove_expired(transaction)
    transaction.run(
        "INSERT INTO entries VALUES (?, ?, ?, ?) ON CONFLICT (cache, key)"
        " DO UPDATE SET value = excluded.value, expires = excluded.expires",
        cache,
        key,
        value,
        _expiry(transaction, ttl),
    )


def _remove(transaction: Transaction, cache: str, key: str) -> bool:
    return transaction.change("DELETE FROM entries WHERE cache = ? AND key = ?", cache, key) > 0


def _remove_expired(transaction: Transaction) -> None:
    """Each write clears up to two expired entries away: faster than they can come to be."""
    transaction.run(
        "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE expires <= ? LIMIT 2)",
        transaction.now,
    )


def _expiry(transaction: Transaction, ttl: float | None) -> float | None:
    return None if ttl is None else transaction.now + ttl
