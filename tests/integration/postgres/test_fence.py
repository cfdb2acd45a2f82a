"""The recipe of docs/how-to.md for a table of one's own, on a real PostgreSQL."""

import asyncio
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from tests.documents import ROOT, blocks, load
from tests.integration.postgres.server import DATABASE_ERRORS, Server, closing

from immutant import App, StaleTenureError, Tenure, testing

HOW_TO = [block for block in blocks() if block.path == ROOT / "docs" / "how-to.md"]
TABLES = [block.code for block in HOW_TO if block.kind == "sql"]
BY_ROW, BY_TRANSACTION = [block for block in HOW_TO if block.kind == "python postgres"]


@pytest.fixture(scope="session")
def tables(server: Server) -> Server:
    """A server with the recipe's tables."""
    for table in TABLES:
        server.run(table)
    return server


@pytest.fixture(scope="session")
def tokens() -> tuple[int, int]:
    """Of a tenure and of its successor."""
    return asyncio.run(two_tenures())


@pytest.fixture
def rows(tables: Server, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("LEDGER", json.dumps(tables.address))
    return load(BY_ROW)


@pytest.fixture
def whole() -> ModuleType:
    return load(BY_TRANSACTION)


@pytest.fixture
def db(tables: Server) -> Iterator[Any]:
    """The connection of the newer tenure, to empty tables."""
    with closing(tables.connect()) as connection:
        connection.cursor().execute("TRUNCATE accounts, fences")
        yield connection


@pytest.fixture
def old(tables: Server) -> Iterator[Any]:
    """The connection of the older tenure, whose requests come late."""
    with closing(tables.connect()) as connection:
        yield connection


async def two_tenures() -> tuple[int, int]:
    """The tokens of a tenure and of its successor after a crash."""
    app, tokens = App("ledger"), []

    @app.daemon
    async def book(tenure: Tenure) -> None:
        tokens.append(tenure.token)
        await tenure.sleep("1h")

    async with testing.cluster(app, replicas=2) as cluster:
        await cluster.advance("10s")
        for replica in cluster.replicas:
            if len(tokens) == 1:
                await cluster.kill(replica)
                await cluster.start()
                await cluster.advance("10s")
        older, newer, *_ = tokens  # the newer may have moved on since
    return older, newer


async def test_the_books_go_on_where_they_were_after_a_crash(rows: ModuleType, db: Any) -> None:
    async with testing.cluster(rows.app, replicas=2) as cluster:
        await cluster.advance("35s")
        first = rows.fenced(db, rows.READ, "cash", 2**62)
        assert first >= 3
        db.cursor().execute("UPDATE accounts SET fence = 0")
        for replica in cluster.replicas:
            await cluster.kill(replica)
            await cluster.start()
            await cluster.advance("25s")
        assert rows.fenced(db, rows.READ, "cash", 2**62) >= first + 4


@pytest.mark.parametrize(
    "touched",
    [
        pytest.param([("READ", [])], id="the first read of a row that is not there"),
        pytest.param([("WRITE", [5])], id="a write"),
        pytest.param([("READ", []), ("WRITE", [5])], id="a read and a write"),
        pytest.param([("WRITE", [5]), ("WRITE", [None])], id="a removal"),
    ],
)
@pytest.mark.parametrize("is_there", [False, True], ids=["from nothing", "from a row"])
def test_what_a_tenure_has_touched_no_older_one_reads_or_writes(
    rows: ModuleType,
    db: Any,
    old: Any,
    tokens: tuple[int, int],
    touched: list[tuple[str, list[Any]]],
    is_there: bool,
) -> None:
    older, newer = tokens
    if is_there:
        rows.fenced(old, rows.WRITE, "cash", older, 1)
    for statement, values in touched:
        rows.fenced(db, getattr(rows, statement), "cash", newer, *values)
    kept = content(db)
    for statement, values in (("WRITE", [9]), ("WRITE", [None]), ("READ", [])):
        with pytest.raises(StaleTenureError, match="a newer tenure"):
            rows.fenced(old, getattr(rows, statement), "cash", older, *values)
        assert content(db) == kept
    assert kept[0][2] == newer
    assert rows.fenced(db, rows.READ, "cash", newer) == kept[0][1], "its own it may read again"


def test_a_row_that_the_successor_has_not_touched_is_as_before(
    rows: ModuleType, db: Any, old: Any, tokens: tuple[int, int]
) -> None:
    older, newer = tokens
    rows.fenced(db, rows.WRITE, "cash", newer, 5)
    assert rows.fenced(old, rows.WRITE, "bank", older, 7) == 7


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def test_a_write_that_waited_while_the_successor_read_is_refused(
    rows: ModuleType, db: Any, old: Any, tokens: tuple[int, int], level: str
) -> None:
    older, newer = tokens
    rows.fenced(old, rows.WRITE, "cash", older, 1)
    old.cursor().execute(f"SET default_transaction_isolation = '{level}'")
    db.autocommit = False
    assert rows.fenced(db, rows.READ, "cash", newer) == 1
    late = asyncio.create_task(asyncio.to_thread(rows.fenced, old, rows.WRITE, "cash", older, 9))
    await until_somebody_waits_for_a_lock(rows)
    db.commit()
    with pytest.raises((StaleTenureError, *DATABASE_ERRORS)):
        await late
    assert content(db) == [["cash", 1, newer]]


def test_a_transaction_of_an_older_tenure_is_refused_whatever_it_would_do(
    whole: ModuleType, db: Any, old: Any, tokens: tuple[int, int]
) -> None:
    older, newer = tokens
    for connection in (db, old):
        connection.autocommit = False
        whole.prepare(connection)
    whole.begin(db, "daemon.book", newer)
    db.commit()
    with pytest.raises(StaleTenureError, match=r"a newer tenure of daemon\.book"):
        whole.begin(old, "daemon.book", older)
    whole.begin(old, "daemon.another", older)
    old.commit()
    whole.begin(db, "daemon.book", newer)
    db.commit()


def test_a_tenure_that_freezes_in_a_transaction_neither_writes_nor_holds_up_the_next(
    whole: ModuleType, db: Any, old: Any, tokens: tuple[int, int]
) -> None:
    older, newer = tokens
    for connection in (db, old):
        connection.autocommit = False
        whole.prepare(connection)
    old.cursor().execute("SET idle_in_transaction_session_timeout = '200ms'")
    old.commit()
    whole.begin(old, "daemon.book", older)
    old.cursor().execute("INSERT INTO accounts VALUES ('cash', 9, 0)")
    whole.begin(db, "daemon.book", newer)  # waits until the server has ended the other's
    assert content(db) == []
    db.commit()
    with pytest.raises(DATABASE_ERRORS):
        old.commit()
    assert content(db) == []
    db.commit()


def content(db: Any) -> list[Any]:
    cursor = db.cursor()
    cursor.execute("SELECT name, balance, fence FROM accounts ORDER BY name")
    return list(cursor.fetchall())


async def until_somebody_waits_for_a_lock(rows: ModuleType) -> None:
    with closing(rows.connect()) as watching:
        cursor = watching.cursor()
        for _ in range(500):
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone()[0]:
                return
            await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")
