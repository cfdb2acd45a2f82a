"""Fenced entries on a store that loses answers and lies (coordination.md, rule 14)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.services.treacherous import Holder, TreacherousStore, Treason, replica_on

from immutant.context import acting_tenure
from immutant.errors import StaleTenureError, TenureLostError, UncertainWriteError
from immutant.services.entries import Mark
from immutant.services.envelope import Envelope
from immutant.services.fenced import FencedEntries
from immutant.services.versions import Versions
from immutant.testing.clock import FakeClock

OLD, NEW = Holder("daemon.d", 1), Holder("daemon.d", 2)
OTHER = Holder("job.j", 1)


@contextmanager
def acting(holder: Holder | None) -> Iterator[None]:
    token = acting_tenure.set(holder)
    try:
        yield
    finally:
        acting_tenure.reset(token)


@dataclass
class World:
    store: TreacherousStore
    clock: FakeClock
    entries: FencedEntries


@pytest.fixture
async def world() -> World:
    return make_world()


def make_world() -> World:
    store, clock = TreacherousStore(), FakeClock()
    return World(store, clock, FencedEntries("c", replica_on(store, clock)))


async def test_what_a_newer_tenure_has_read_the_older_cannot_write(world: World) -> None:
    await world.entries.put("k", "v", None)
    with acting(NEW):
        assert await world.entries.get("k") == "v"
    with acting(OLD), pytest.raises(StaleTenureError, match=r"tenure 2 of daemon\.d"):
        await world.entries.put("k", "old", None)
    assert await world.entries.get("k") == "v"


async def test_an_absence_that_was_read_is_kept_too(world: World) -> None:
    with acting(NEW):
        assert await world.entries.get("k") is Mark.ABSENT
    with acting(OLD), pytest.raises(StaleTenureError):
        await world.entries.put("k", "old", None)
    assert await world.entries.get("k") is Mark.ABSENT


async def test_the_stamp_outlives_removal_and_writes_of_others(world: World) -> None:
    with acting(NEW):
        await world.entries.put("k", 1, None)
    await world.entries.put("k", 2, None)
    await world.entries.remove("k")
    with acting(OTHER):
        await world.entries.put("k", 3, None)
    with acting(OLD), pytest.raises(StaleTenureError):
        await world.entries.remove("k")
    assert await world.entries.get("k") == 3


async def test_tokens_of_different_singletons_do_not_compare(world: World) -> None:
    with acting(NEW):
        await world.entries.put("k", 1, None)
    with acting(OTHER):
        await world.entries.put("k", 2, None)
    with acting(NEW):
        assert await world.entries.get("k") == 2


async def test_an_older_tenure_that_reads_learns_that_it_is_over(world: World) -> None:
    with acting(NEW):
        await world.entries.put("k", 1, None)
    with acting(OLD), pytest.raises(StaleTenureError):
        await world.entries.get("k")


async def test_clearing_leaves_tombstones(world: World) -> None:
    with acting(NEW):
        await world.entries.put("k", 1, None)
    await world.entries.clear()
    assert await world.entries.entries(local=False) == {}
    assert await world.entries.size() == 0
    with acting(OLD), pytest.raises(StaleTenureError):
        await world.entries.put("k", "old", None)


async def test_an_expired_entry_keeps_its_stamp_for_ten_minutes(world: World) -> None:
    with acting(NEW):
        await world.entries.put("k", 1, 5.0)
    assert world.store.ttls["k"] == 605.0
    await world.clock.advance(5)
    assert await world.entries.get("k") is Mark.ABSENT
    with acting(OLD), pytest.raises(StaleTenureError):
        await world.entries.put("k", "old", None)


async def test_a_stamp_leaves_the_time_to_live_as_it_was(world: World) -> None:
    await world.entries.put("k", 1, 100.0)
    await world.clock.advance(40)
    with acting(NEW):
        await world.entries.get("k")
    assert world.store.ttls["k"] == pytest.approx(660.0)
    await world.clock.advance(60)
    assert await world.entries.get("k") is Mark.ABSENT


async def test_a_tenure_stamps_an_entry_once(world: World) -> None:
    await world.entries.put("k", 1, None)
    with acting(NEW):
        for _ in range(5):
            await world.entries.get("k")
    assert world.store.swaps == 2


async def test_reading_without_a_tenure_writes_nothing(world: World) -> None:
    await world.entries.get("k")
    await world.entries.get_many(["k"])
    assert await world.entries.remove("k") is False
    assert world.store.swaps == 0


async def test_a_tenure_that_has_ended_writes_nothing(world: World) -> None:
    with acting(Holder("daemon.d", 1, is_over=True)), pytest.raises(TenureLostError):
        await world.entries.put("k", 1, None)
    assert world.store.data == {}


@pytest.mark.parametrize("treason", ["applied", "lost", "late", "denied"])
@pytest.mark.parametrize("present", [True, False])
async def test_an_increment_is_counted_once_whatever_became_of_the_answer(
    world: World, treason: Treason, present: bool
) -> None:
    if present:
        await world.entries.put("k", 0, None)
    world.store.treasons = [treason, "late", "applied"] if treason == "late" else [treason]
    changed = await world.entries.change("k", add_one, None)
    assert changed.after == 1
    assert await world.entries.get("k") == 1


async def test_a_write_that_cannot_be_settled_says_so(world: World) -> None:
    world.store.treasons = ["lost"] * 100
    with pytest.raises(UncertainWriteError, match="may or may not have been written"):
        await world.entries.put("k", 1, None)


async def test_an_applied_write_is_written_over_itself_until_it_is_acknowledged(
    world: World,
) -> None:
    world.store.treasons = ["applied", "applied", "lost"]
    await world.entries.put("k", 1, None)
    assert world.store.swaps == 4
    assert len(Envelope.decode(world.store.data["k"], "it").writes) == 1


async def test_settling_keeps_a_later_version_as_long_as_its_writer_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    successor = FencedEntries("c", replica_on(world.store, world.clock))

    async def overtaken(_: Versions, losses: int) -> None:
        if losses == 1:
            await successor.put("k", "for ever", None)

    monkeypatch.setattr(Versions, "pause", overtaken)
    world.store.treasons = ["applied"]
    await world.entries.put("k", "for a while", 5.0)
    assert await world.entries.get("k") == "for ever"
    assert world.store.swaps == 3
    assert world.store.ttls["k"] is None


async def test_many_increments_at_once_lose_none(world: World) -> None:
    world.store.treasons = ["denied", "", "applied", "", "lost", "late"] * 3
    await asyncio.gather(*(world.entries.change("k", add_one, None) for _ in range(6)))
    assert await world.entries.get("k") == 6


def add_one(value: object) -> object:
    return 1 if value is Mark.ABSENT else value + 1  # type: ignore[operator]


STEP = st.tuples(
    st.sampled_from(["read", "put", "remove", "add", "outsider"]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from(["a", "b"]),
)
TREASONS = st.lists(st.sampled_from(["", "", "applied", "lost", "late", "denied"]), max_size=30)


@given(st.lists(STEP, max_size=25), TREASONS, st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_what_a_tenure_has_read_or_written_no_older_one_changes(
    steps: list[tuple[str, int, str]], treasons: list[Treason], together: int
) -> None:
    """Tenures 1, 2 and 3 of one singleton act in any order, several at once, on a bad store."""
    asyncio.run(act(steps, treasons, together))


async def act(steps: list[tuple[str, int, str]], treasons: list[Treason], together: int) -> None:
    world = make_world()
    world.store.treasons = list(treasons)
    touched: dict[str, int] = {}  # the highest token that is known to have read or written
    for begin in range(0, len(steps), together):
        batch = steps[begin : begin + together]
        before = dict(touched)
        results = await asyncio.gather(*(step(world, *what) for what in batch))
        for (what, token, key), succeeded in zip(batch, results, strict=True):
            if what == "outsider":
                continue
            assert not succeeded or token >= before.get(key, 0)
            if succeeded:
                touched[key] = max(touched.get(key, 0), token)
        for key, token in touched.items():
            stamped = Envelope.decode(world.store.data[key], "it").tokens["daemon.d"]
            assert stamped >= token


async def step(world: World, what: str, token: int, key: str) -> bool:
    holder = None if what == "outsider" else Holder("daemon.d", token)
    with acting(holder):
        try:
            if what == "read":
                await world.entries.get(key)
            elif what == "remove":
                await world.entries.remove(key)
            elif what == "add":
                await world.entries.change(key, add_one_to_anything, None)
            else:
                await world.entries.put(key, token, None)
        except (StaleTenureError, UncertainWriteError):
            return False
    return True


def add_one_to_anything(value: object) -> object:
    return value + 1 if isinstance(value, int) else 1
