import asyncio
from collections import Counter
from pathlib import Path

import pytest

from immutant.run.router.pool import Pool, WebBackend


@pytest.fixture
def backends() -> list[WebBackend]:
    return [WebBackend(f"demo-{number}", Path(f"/{number}")) for number in range(3)]


@pytest.fixture
def pool(backends: list[WebBackend]) -> Pool:
    pool = Pool()
    for backend in backends:
        pool.add(backend)
        pool.mark(backend, up=True)
    return pool


async def names(pool: Pool, count: int, wanted: str = "") -> list[str]:
    picked = [await pool.pick(wanted, 0) for _ in range(count)]
    return [backend.name if backend else "" for backend in picked]


async def test_requests_without_a_cookie_go_round(pool: Pool) -> None:
    assert Counter(await names(pool, 9)) == {"demo-0": 3, "demo-1": 3, "demo-2": 3}


async def test_a_cookie_binds_and_does_not_disturb_the_round(pool: Pool) -> None:
    assert set(await names(pool, 5, "demo-1")) == {"demo-1"}
    assert await names(pool, 3) == ["demo-0", "demo-1", "demo-2"]


async def test_who_is_bound_to_a_replica_that_is_down_gets_another(
    pool: Pool, backends: list[WebBackend]
) -> None:
    pool.mark(backends[1], up=False, complaint="dead")
    assert set(await names(pool, 4, "demo-1")) == {"demo-0", "demo-2"}


async def test_a_replica_that_was_taken_out_is_not_marked_up_by_a_late_check(
    pool: Pool, backends: list[WebBackend]
) -> None:
    pool.take_out(backends[0], "it was stopped")
    pool.mark(backends[0], up=True)
    assert "demo-0" not in await names(pool, 6)
    pool.admit(backends[0])
    pool.mark(backends[0], up=True)
    assert "demo-0" in await names(pool, 3)


async def test_a_request_waits_for_a_replica_that_is_coming(
    pool: Pool, backends: list[WebBackend]
) -> None:
    for backend in backends:
        pool.take_out(backend, "it is being replaced", expected=True)
    waiting = asyncio.create_task(pool.pick("", 30))
    await asyncio.sleep(0)
    pool.admit(backends[2])
    pool.mark(backends[2], up=True)
    assert await waiting is backends[2]


async def test_a_request_does_not_wait_when_no_replica_is_coming(
    pool: Pool, backends: list[WebBackend]
) -> None:
    for backend in backends:
        pool.take_out(backend, "it was stopped")
    async with asyncio.timeout(5):
        assert await pool.pick("", 3600) is None


async def test_a_suspected_replica_waits_for_its_next_check(
    pool: Pool, backends: list[WebBackend]
) -> None:
    pool.suspect(backends[0])
    assert backends[0].suspected.is_set()
    assert "demo-0" not in await names(pool, 4)


async def test_a_replica_settles_when_it_is_up_or_given_up(
    pool: Pool, backends: list[WebBackend]
) -> None:
    assert await pool.settled(backends[0], 0)
    pool.admit(backends[0])
    waiting = asyncio.create_task(pool.settled(backends[0], 30))
    await asyncio.sleep(0)
    pool.take_out(backends[0], "it cannot run")
    assert await waiting is False
