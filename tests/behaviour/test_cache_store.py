"""What every CacheStore promises."""

import asyncio
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immutant.stores import Backend, CacheStore


async def test_what_one_replica_puts_the_other_gets(backend: Backend, other: Backend) -> None:
    await backend.caches.put("c", "key", b"value", None)
    assert await other.caches.get("c", "key") == b"value"


async def test_caches_do_not_see_each_others_keys(backend: Backend) -> None:
    await backend.caches.put("one", "key", b"1", None)
    assert await backend.caches.get("two", "key") is None


async def test_an_entry_is_gone_after_its_time_to_live(backend: Backend, world: Any) -> None:
    await backend.caches.put("c", "short", b"1", 2 * world.tick)
    await backend.caches.put("c", "long", b"2", 1000 * world.tick)
    await world.elapse(3 * world.tick)
    assert await backend.caches.get("c", "short") is None
    assert await backend.caches.entries("c") == {"long": b"2"}
    assert await backend.caches.size("c") == 1
    assert await backend.caches.remove("c", "short") is False
    assert await backend.caches.put_if_absent("c", "short", b"3", None) is None


async def test_a_put_without_ttl_ends_the_former_ttl(backend: Backend, world: Any) -> None:
    await backend.caches.put("c", "key", b"1", 2 * world.tick)
    await backend.caches.put("c", "key", b"2", None)
    await world.elapse(3 * world.tick)
    assert await backend.caches.get("c", "key") == b"2"


async def test_touch_begins_a_new_time_to_live(backend: Backend, world: Any) -> None:
    await backend.caches.put("c", "key", b"1", 3 * world.tick)
    await world.elapse(2 * world.tick)
    assert await backend.caches.touch("c", "key", 3 * world.tick) is True
    await world.elapse(2 * world.tick)
    assert await backend.caches.get("c", "key") == b"1"
    await world.elapse(2 * world.tick)
    assert await backend.caches.touch("c", "key", None) is False


async def test_of_many_concurrent_puts_if_absent_one_wins(backend: Backend, other: Backend) -> None:
    stores = [backend.caches, other.caches] * 10
    results = await asyncio.gather(
        *(store.put_if_absent("c", "key", b"%d" % n, None) for n, store in enumerate(stores))
    )
    winner = results.index(None)
    assert [value for value in results if value is not None] == [b"%d" % winner] * 19


async def test_concurrent_compare_and_swaps_lose_no_update(
    backend: Backend, other: Backend
) -> None:
    await backend.caches.put("c", "sum", b"0", None)
    await asyncio.gather(*(_add_ten(store) for store in [backend.caches, other.caches] * 3))
    assert await backend.caches.get("c", "sum") == b"60"


async def test_many_entries_at_once(backend: Backend, other: Backend) -> None:
    values = {f"k{n}": b"%d" % n for n in range(300)}
    await backend.caches.put_many("c", values, None)
    assert await other.caches.get_many("c", [*values, "absent"]) == values
    await other.caches.clear("c")
    assert await backend.caches.size("c") == 0


async def test_some_entries_of_a_large_cache_are_no_more_than_asked_for(
    backend: Backend, world: Any
) -> None:
    values = {f"key {number}": b"%d" % number for number in range(50)}
    await backend.caches.put_many("c", values, None)
    some = await backend.caches.some("c", 7)
    assert len(some) == 7
    assert some.items() <= values.items()
    assert await backend.caches.some("c", 100) == values
    assert await backend.caches.some("none", 5) == {}
    await backend.caches.put("short", "key", b"1", 2 * world.tick)
    await world.elapse(3 * world.tick)
    assert await backend.caches.some("short", 5) == {}


async def test_the_owners_of_an_entry_are_told_where_not_all_have_it(
    backend: Backend, world: Any
) -> None:
    await backend.caches.put("c", "key ü&+", b"1", None)
    owners = await backend.caches.owners("c", "key ü&+")
    assert len(set(owners)) == len(owners) == (0 if world.keeps_all else 2)


async def test_keys_and_values_of_any_form(backend: Backend, world: Any) -> None:
    values = {"": b"", "ü✓\0'\"": bytes(range(256)), "long " * 500: b"x" * 1_000_000}
    await backend.caches.put_many("c", values, None)
    assert await backend.caches.entries("c") == values
    local = await backend.caches.entries("c", local=True)
    assert local == values if world.keeps_all else local.items() <= values.items()


OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["put", "put_if_absent", "replace", "remove", "remove_if", "touch", "clear", "elapse"]
        ),
        st.sampled_from(["x", "y", "z"]),
        st.sampled_from([b"1", b"2"]),
        st.sampled_from([b"1", b"2"]),
        st.sampled_from([None, 1, 3]),
    ),
    min_size=10,
    max_size=30,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(OPERATIONS)
async def test_it_is_a_dictionary_whose_entries_expire(
    backend: Backend, world: Any, operations: list[Any]
) -> None:
    cache, model, minute = f"c{uuid4()}", Model(), 60.0
    for name, key, value, other, ttl in operations:
        real_ttl = None if ttl is None else ttl * minute - 1
        if name == "elapse":
            if world.is_turned:
                await world.elapse(minute)
                model.elapse()
            continue
        answer = await _call(backend.caches, name, cache, key, value, other, real_ttl)
        assert answer == model.call(name, key, value, other, ttl)
        assert await backend.caches.entries(cache) == model.values()
        assert await backend.caches.size(cache) == len(model.values())
        assert await backend.caches.get(cache, key) == model.values().get(key)


class Model:
    """A cache as a plain dictionary; its time is a number of minutes."""

    def __init__(self) -> None:
        self._minute = 0
        self._entries: dict[str, tuple[bytes, int | None]] = {}

    def elapse(self) -> None:
        self._minute += 1
        self._entries = {
            key: (value, expires)
            for key, (value, expires) in self._entries.items()
            if expires is None or expires > self._minute
        }

    def values(self) -> dict[str, bytes]:
        return {key: value for key, (value, _) in self._entries.items()}

    def call(self, name: str, key: str, value: bytes, other: bytes, ttl: int | None) -> Any:
        expires = None if ttl is None else self._minute + ttl
        present = self.values().get(key)
        match name:
            case "put":
                self._entries[key] = (value, expires)
                return None
            case "put_if_absent":
                self._entries.setdefault(key, (value, expires))
                return present
            case "replace":
                if present == value:
                    self._entries[key] = (other, expires)
                return present == value
            case "touch":
                if present is not None:
                    self._entries[key] = (present, expires)
                return present is not None
            case "clear":
                self._entries.clear()
                return None
        removed = present is not None and (name == "remove" or present == value)
        if removed:
            del self._entries[key]
        return removed


async def _call(
    store: CacheStore, name: str, cache: str, key: str, value: bytes, other: bytes, ttl: Any
) -> Any:
    arguments: dict[str, tuple[Any, ...]] = {
        "put": (cache, key, value, ttl),
        "put_if_absent": (cache, key, value, ttl),
        "replace": (cache, key, value, other, ttl),
        "remove": (cache, key),
        "remove_if": (cache, key, value),
        "touch": (cache, key, ttl),
        "clear": (cache,),
    }
    return await getattr(store, name)(*arguments[name])


async def _add_ten(store: CacheStore) -> None:
    for _ in range(10):
        while True:
            old = await store.get("c", "sum")
            assert old is not None
            if await store.replace("c", "sum", old, b"%d" % (int(old) + 1), None):
                break
