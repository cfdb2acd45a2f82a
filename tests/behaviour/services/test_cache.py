"""What a cache promises to its users."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immutant import App, BlockingCallError, Cache, DefinitionError, ValueRefusedError

KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.integers(-3, 3) | st.text(max_size=3) | st.binary(max_size=3) | st.none()


@pytest.fixture(params=["plain", "fenced"])
async def cache(request: pytest.FixtureRequest, app: App, run: Any) -> Cache:
    cache = app.cache("c", fenced=request.param == "fenced")
    await run(app)
    return cache


async def test_what_was_put_is_there_until_it_is_removed(cache: Cache) -> None:
    await cache.put("k", {"a": [1, None]})
    assert await cache.get("k") == {"a": [1, None]}
    assert await cache.contains("k")
    assert await cache.remove("k") is True
    assert await cache.remove("k") is False
    assert await cache.get("k", "none") == "none"
    assert not await cache.contains("k")


async def test_none_is_a_value(cache: Cache) -> None:
    await cache.put("k", None)
    assert await cache.get("k", "default") is None
    assert await cache.contains("k")


async def test_bytes_come_back_as_bytes(cache: Cache) -> None:
    await cache.put("k", b'"text"')
    assert await cache.get("k") == b'"text"'


async def test_many_are_put_and_got_at_once(cache: Cache, world: Any) -> None:
    await cache.put_many({"a": 1, "b": 2})
    assert await cache.get_many(["a", "b", "z"]) == {"a": 1, "b": 2}
    assert await cache.entries() == {"a": 1, "b": 2}
    local = await cache.local_entries()
    assert (
        local == {"a": 1, "b": 2} if world.keeps_all else local.items() <= {"a": 1, "b": 2}.items()
    )
    assert await cache.size() == 2
    await cache.clear()
    assert await cache.entries() == {}


async def test_put_if_absent_puts_once(cache: Cache) -> None:
    assert await cache.put_if_absent("k", 1) is True
    assert await cache.put_if_absent("k", 2) is False
    assert await cache.get("k") == 1


async def test_replace_compares_values_not_their_text(cache: Cache) -> None:
    await cache.put("k", {"a": 1, "b": 2})
    assert await cache.replace("k", {"b": 2, "a": 1}, "new") is True
    assert await cache.replace("k", "other", "newer") is False
    assert await cache.replace("absent", None, 1) is False
    assert await cache.get("k") == "new"


@pytest.mark.parametrize(
    ("there", "given"),
    [(1, True), ([True], [1]), ({"a": [0]}, {"a": [False]}), ([1], [1, 2]), ({"a": 1}, {"b": 1})],
)
async def test_true_is_not_one_at_any_depth(cache: Cache, there: Any, given: Any) -> None:
    await cache.put("k", there)
    assert await cache.replace("k", given, "new") is False
    assert await cache.replace("k", there, "new") is True


async def test_increments_by_many_at_once_lose_none(cache: Cache) -> None:
    sums = await asyncio.gather(*(cache.increment("k") for _ in range(20)))
    assert sorted(sums) == list(range(1, 21))
    assert await cache.increment("k", -20.5, initial=7) == -0.5


async def test_what_is_no_number_is_not_incremented(cache: Cache) -> None:
    await cache.put("k", "text")
    with pytest.raises(ValueRefusedError, match="'text', which cannot be incremented"):
        await cache.increment("k")


async def test_update_replaces_by_what_the_function_makes(cache: Cache) -> None:
    assert await cache.update("k", lambda seen: [*seen, 1], default=[]) == [1]
    assert await cache.update("k", lambda seen: [*seen, 2], default=[]) == [1, 2]


async def test_an_entry_ends_with_its_time_to_live(cache: Cache, world: Any) -> None:
    await cache.put("short", 1, ttl=2 * world.tick)
    await cache.put("long", 2, ttl=1000 * world.tick)
    await world.elapse(3 * world.tick)
    assert await cache.entries() == {"long": 2}
    assert await cache.get("short") is None
    assert await cache.put_if_absent("short", 3) is True


async def test_what_cannot_be_stored_leaves_what_was_there(cache: Cache) -> None:
    await cache.put("k", 1)
    with pytest.raises(ValueRefusedError, match="'k' in cache 'c'"):
        await cache.put("k", {1, 2})
    with pytest.raises(ValueRefusedError, match="keys of 1 to 512 bytes"):
        await cache.put("", 1)
    with pytest.raises(DefinitionError, match="ttl=0 must be more than zero"):
        await cache.put("k", 2, ttl=0)
    with pytest.raises(DefinitionError, match="no duration"):
        await cache.put("k", 2, ttl="soon")
    assert await cache.get("k") == 1


async def test_a_memoized_function_computes_once_for_its_arguments(cache: Cache) -> None:
    calls = []

    @cache.memo()
    async def twice(number: int, *, plus: int = 0) -> int | None:
        calls.append(number)
        return None if number == 0 else 2 * number + plus

    assert [await twice(2), await twice(2), await twice(2, plus=1)] == [4, 4, 5]
    assert [await twice(0), await twice(0)] == [None, None]
    assert calls == [2, 2, 0]


async def test_threads_use_the_same_cache_by_its_blocking_side(cache: Cache, world: Any) -> None:
    def work() -> object:
        blocking = cache.blocking
        blocking.put("k", 1)
        blocking.put_many({"l": 2})
        assert blocking.update("k", lambda value: value + 1) == blocking.get("k") == 2
        assert blocking.put_if_absent("k", 0) is False
        assert blocking.replace("k", 2, 3) is True
        assert blocking.increment("k") == 4
        assert blocking.remove("l") is True
        assert blocking.get_many(["k"]) == blocking.entries() == {"k": 4}
        # Of one entry a replica of the grid has a copy, or none.
        assert blocking.local_entries() in ({"k": 4}, {} if not world.keeps_all else {"k": 4})
        assert blocking.contains("k")
        blocking.clear()
        return blocking.size()

    assert await asyncio.to_thread(work) == 0


async def test_a_memoized_plain_function_is_for_threads(cache: Cache) -> None:
    calls = []

    @cache.memo(ttl="1h")
    def twice(number: int) -> int:
        calls.append(number)
        return 2 * number

    assert await asyncio.to_thread(lambda: twice(2) + twice(2)) == 8
    assert calls == [2]


async def test_what_a_blocking_call_raises_arrives_in_its_thread(cache: Cache) -> None:
    with pytest.raises(ValueRefusedError):
        await asyncio.to_thread(cache.blocking.put, "k", {1})


async def test_a_blocking_call_on_the_loops_thread_is_refused_not_a_deadlock(cache: Cache) -> None:
    with pytest.raises(BlockingCallError, match=r"cache 'c': .* without"):
        cache.blocking.get("k")


async def test_all_replicas_see_one_cache(app: App, run: Any, world: Any) -> None:
    cache = app.cache("c")
    await run(app, "a")
    await cache.put("k", "from a")
    other = App("demo")
    seen = other.cache("c")
    await run(other, "b")
    assert await seen.get("k") == "from a"


async def test_a_caches_own_ttl_is_what_its_writes_begin(app: App, run: Any, world: Any) -> None:
    cache = app.cache("c", ttl=2 * world.tick)
    await run(app)
    await cache.put("k", 1)
    await cache.put("l", 1, ttl=1000 * world.tick)
    await world.elapse(3 * world.tick)
    assert await cache.entries() == {"l": 1}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, VALUES),
        st.tuples(st.just("put_if_absent"), KEYS, VALUES),
        st.tuples(st.just("replace"), KEYS, VALUES, VALUES),
        st.tuples(st.just("remove"), KEYS),
        st.tuples(st.just("get"), KEYS),
        st.tuples(st.just("entries")),
        st.tuples(st.just("clear")),
    ),
    max_size=30,
)


@given(STEPS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_a_cache_behaves_like_a_dict(cache: Cache, steps: list[tuple[Any, ...]]) -> None:
    await cache.clear()
    model: dict[str, Any] = {}
    for name, *arguments in steps:
        assert await getattr(cache, name)(*arguments) == MODEL[name](model, *arguments)
    assert await cache.entries() == model


def _put_if_absent(model: dict[str, Any], key: str, value: Any) -> bool:
    return key not in model and (model.update({key: value}) or True)


def _replace(model: dict[str, Any], key: str, old: Any, new: Any) -> bool:
    return key in model and model[key] == old and (model.update({key: new}) or True)


MODEL: dict[str, Any] = {
    "put": lambda model, key, value: model.update({key: value}),
    "put_if_absent": _put_if_absent,
    "replace": _replace,
    "remove": lambda model, key: model.pop(key, model) is not model,
    "get": lambda model, key: model.get(key),
    "entries": dict,
    "clear": lambda model: model.clear(),
}
