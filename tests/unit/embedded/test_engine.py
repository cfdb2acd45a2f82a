"""Work that fails, is cancelled, or finds no room, beside work that does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from immutant.embedded import EmbeddedBackend
from immutant.embedded.transaction import Transaction
from immutant.errors import CapacityError, StoreError
from immutant.stores import Outgoing


@pytest.fixture(params=["memory", "file"])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    folder = tmp_path if request.param == "file" else None
    backend = await EmbeddedBackend.open(folder, replica="a")
    yield backend
    await backend.close()


async def test_work_that_raises_is_undone_alone(backend: EmbeddedBackend) -> None:
    def work(transaction: Transaction) -> None:
        transaction.run("INSERT INTO meta VALUES ('bad', 1)")
        raise ZeroDivisionError

    results = await asyncio.gather(
        *(backend.caches.put("c", f"{number}", b"1", None) for number in range(10)),
        backend._hub.engine.write(work),
        *(backend.caches.put("c", f"{number}", b"1", None) for number in range(10, 20)),
        return_exceptions=True,
    )
    failed = [result for result in results if result is not None]
    assert [type(error) for error in failed] == [ZeroDivisionError]
    assert await backend.caches.size("c") == 20
    assert await _bad_rows(backend) == 0


async def test_wrong_statements_fail_alone(backend: EmbeddedBackend) -> None:
    def work(transaction: Transaction) -> None:
        transaction.run("INSERT INTO meta VALUES ('bad', 1)")
        transaction.run("INSERT INTO nowhere VALUES (1)")

    results = await asyncio.gather(
        backend.caches.put("c", "before", b"1", None),
        backend._hub.engine.write(work),
        backend.caches.put("c", "after", b"1", None),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), StoreError, type(None)]
    assert await backend.caches.size("c") == 2
    assert await _bad_rows(backend) == 0


async def test_a_full_disk_refuses_what_is_too_large_and_stores_the_rest(
    backend: EmbeddedBackend,
) -> None:
    await backend.caches.put("c", "before", b"1", None)
    await _limit(backend, "(SELECT page_count + 20 FROM pragma_page_count)")
    large = b"x" * 1_000_000
    results = await asyncio.gather(
        backend.caches.put("c", "small", b"1", None),
        backend.caches.put("c", "large", large, None),
        backend.queues.send("q", [Outgoing(b"1"), Outgoing(large)]),
        backend.caches.put("c", "after", b"1", None),
        return_exceptions=True,
    )
    kinds = [CapacityError if isinstance(result, CapacityError) else result for result in results]
    assert kinds == [None, CapacityError, CapacityError, None]
    assert "free some space" in str(results[1])
    assert set(await backend.caches.entries("c")) == {"before", "small", "after"}
    assert (await backend.queues.depth("q")).ready == 0
    await _limit(backend, "1000000")
    await backend.caches.put("c", "large", large, None)
    assert await backend.caches.get("c", "large") == large


async def test_cancelled_callers_disturb_nobody(backend: EmbeddedBackend) -> None:
    tasks = [
        asyncio.create_task(backend.caches.put("c", f"{number}", b"1", None))
        for number in range(50)
    ]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)
    kept = set(await backend.caches.entries("c"))
    assert kept >= {f"{number}" for number in range(1, 50, 2)}


async def test_a_read_sees_what_was_acknowledged_before_it(backend: EmbeddedBackend) -> None:
    for number in range(50):
        await backend.caches.put("c", "key", b"%d" % number, None)
        assert await backend.caches.get("c", "key") == b"%d" % number


async def _bad_rows(backend: EmbeddedBackend) -> int:
    rows = await backend._hub.engine.read(
        lambda transaction: transaction.run("SELECT count(*) FROM meta WHERE name = 'bad'")
    )
    return int(rows[0][0])


async def _limit(backend: EmbeddedBackend, pages: str) -> None:
    def work(transaction: Transaction) -> None:
        count = transaction.run(f"SELECT {pages}")[0][0]
        transaction.run(f"PRAGMA max_page_count={count}")

    await backend._hub.engine.write(work)
