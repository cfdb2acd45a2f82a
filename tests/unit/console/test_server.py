"""The console on one replica in this process, and clients that ask as any do."""

import asyncio
import json
import multiprocessing
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from immutant import App, testing
from immutant.clock import SystemClock
from immutant.console.client import asked
from immutant.console.server import Console
from immutant.console.verbs import VERBS
from immutant.errors import ConsoleError

app = App("shop")
orders = app.queue("orders")
news = app.topic("news")
plain = app.cache("plain", ttl="1h")
ledger = app.cache("ledger", fenced=True)


@app.listener(orders, attempts=1)
async def pack(order: object) -> None:
    raise RuntimeError("the shelf is empty")


@app.listener(news, subscription="archive")
def archive(item: object) -> None: ...


@app.listener(news)
def hear(item: object) -> None: ...


@app.job(every="1h")
async def report() -> None: ...


@app.job(cron="0 6 * * *", tz="Europe/Berlin", singleton=False)
async def tidy() -> None: ...


class Shop:
    """A replica, its console, and the way to ask it."""

    def __init__(self, path: Path, cluster: testing.Cluster) -> None:
        self.path = path
        self.cluster = cluster

    async def __call__(self, verb: str, **fields: Any) -> Any:
        return await asyncio.to_thread(asked, self.path, {"verb": verb, **fields})

    async def refuses(self, verb: str, **fields: Any) -> str:
        with pytest.raises(ConsoleError) as refused:
            await self(verb, **fields)
        return str(refused.value)


@asynccontextmanager
async def opened(path: Path, limit: float = 10.0) -> AsyncIterator[Shop]:
    async with testing.cluster(app) as cluster:
        console = Console(app, "shop-0", SystemClock(), limit=limit)
        console.open(path)
        try:
            await cluster.advance("1m")  # the job has been held
            yield Shop(path, cluster)
        finally:
            await console.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with opened(tmp_path / "console.sock") as shop:
        yield shop


async def test_queues_are_listed_with_those_behind_durable_subscriptions(shop: Shop) -> None:
    await orders.send("later", delay="1h")
    assert await shop("queues") == [
        {
            "name": "orders",
            "ready": 0,
            "delayed": 1,
            "leased": 0,
            "dead": 0,
            "listeners": ["pack"],
        },
        {
            "name": "news@archive",
            "ready": 0,
            "delayed": 0,
            "leased": 0,
            "dead": 0,
            "listeners": ["archive"],
        },
    ]


async def test_dead_letters_are_listed_replayed_and_discarded(shop: Shop) -> None:
    for body in ({"n": 1}, b"\x00\xff"):
        await orders.send(body)
        await shop.cluster.settled()
    answer = await shop("dead")
    first, second = answer["letters"]
    assert (first["queue"], first["value"], first["attempts"]) == ("orders", {"n": 1}, 1)
    assert first["reason"] == "RuntimeError: the shelf is empty"
    assert second["base64"] == "AP8="
    assert not answer["more"]
    assert (await shop("dead", queue="orders", limit=1))["more"]
    assert await shop("replay", queue="orders", ids=[first["id"]]) == {"replayed": 1}
    await shop.cluster.settled()
    assert await shop("discard", queue="orders", all=True) == {"discarded": 2}
    assert (await shop("dead"))["letters"] == []


async def test_no_mistake_means_all_dead_letters(shop: Shop) -> None:
    assert "name the letters" in await shop.refuses("discard", queue="orders")
    assert "must be a list of texts" in await shop.refuses("replay", queue="orders", ids="x")
    assert "has no queue 'odrers'; it has: 'orders'" in await shop.refuses("dead", queue="odrers")


async def test_values_go_in_and_come_out_bytes_as_base64(shop: Shop) -> None:
    await shop("cache put", cache="plain", key="json", value={"a": [1, None]})
    await shop("cache put", cache="plain", key="bytes", base64="AP8=", ttl="5m")
    assert await plain.get("json") == {"a": [1, None]}
    assert await plain.get("bytes") == b"\x00\xff"
    assert await shop("cache get", cache="plain", key="bytes") == {"found": True, "base64": "AP8="}
    await plain.put("null", None)
    assert await shop("cache get", cache="plain", key="null") == {"found": True, "value": None}
    assert await shop("cache get", cache="plain", key="none") == {"found": False}
    assert await shop("cache owners", cache="plain", key="json") == {"owners": []}
    some = await shop("cache list", cache="plain", limit=2)
    assert (len(some["entries"]), some["size"]) == (2, 3)
    assert await shop("cache remove", cache="plain", key="null") == {"removed": True}
    assert "base64" in await shop.refuses("cache put", cache="plain", key="x", base64="?")


async def test_to_list_a_cache_never_brings_all_of_it_here(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await plain.put(str(number), number)
        await ledger.put(str(number), number)

    async def refuse(*_: object, **__: object) -> dict[str, bytes]:
        raise AssertionError("all entries were asked for")

    replica = app.binding.current("the test")
    monkeypatch.setattr(type(replica.backend.caches), "entries", refuse)
    assert [one["entries"] for one in await shop("caches")] == [20, 20]
    for cache in ("plain", "ledger"):
        answer = await shop("cache list", cache=cache, limit=5)
        assert (len(answer["entries"]), answer["size"]) == (5, 20)


async def test_a_fenced_cache_is_looked_into_and_not_changed(shop: Shop) -> None:
    await ledger.put("total", 7)
    assert await shop("cache list", cache="ledger") == {
        "entries": [{"key": "total", "value": 7}],
        "size": 1,
    }
    for verb, more in (("cache put", {"value": 8}), ("cache remove", {})):
        assert "is fenced" in await shop.refuses(verb, cache="ledger", key="total", **more)
    assert await ledger.get("total") == 7
    assert [(one["name"], one["fenced"], one["entries"]) for one in await shop("caches")] == [
        ("plain", False, 0),
        ("ledger", True, 1),
    ]


async def test_jobs_tell_what_was_and_what_comes_and_are_commanded(shop: Shop) -> None:
    wall = shop.cluster.clock.wall()
    one, other = await shop("jobs")
    assert (one["schedule"], one["status"]["holder"]) == ("every 3600s", "shop-0")
    assert one["next"] == one["status"]["anchor"] + 3600
    assert one["status"]["runs"][-1]["outcome"] == "ok"
    assert (other["schedule"], other["tz"]) == ("0 6 * * *", "Europe/Berlin")
    assert "every replica runs it by itself" in other["note"]
    ticks = [(await shop("trigger", name="report", key="k"))["tick"] for _ in range(2)]
    assert ticks[0] == ticks[1]
    await shop.cluster.advance("1s")
    assert [run["id"] for run in (await shop("jobs"))[0]["status"]["runs"]].count(ticks[0]) == 1
    await shop("pause", name="report")
    assert (await shop("jobs"))[0]["next"] is None
    await shop("resume", name="report")
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall - 7200))
    until = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall))
    await shop("backfill", name="report", since=since, until=until, key="b")
    assert "such as 2026-08-01T06:00" in await shop.refuses(
        "backfill", name="report", since="monday", until=until, key="b"
    )
    await shop("unschedule", name="report")
    assert (await shop("jobs"))[0]["status"]["unscheduled"]
    assert "nobody can command all of them" in await shop.refuses("pause", name="tidy")


async def test_what_is_no_request_is_refused_in_a_sentence(shop: Shop) -> None:
    assert "this replica knows no 'nope'" in await shop.refuses("nope")
    assert "'key' must be a text" in await shop.refuses("cache get", cache="plain", key=5)
    assert "'limit' must be a whole number" in await shop.refuses("dead", limit=0)
    reader, writer = await asyncio.open_unix_connection(str(shop.path))
    for line in (b"nonsense\n", b"[]\n", b'{"verb": 3}\n'):
        writer.write(line)
        assert "request is" in json.loads(await reader.readline())["error"]
    writer.write(b'{"verb": "about"}\n')
    assert json.loads(await reader.readline())["ok"]["replica"] == "shop-0"
    writer.close()


async def test_an_answer_that_is_too_long_is_a_sentence(shop: Shop) -> None:
    for number in range(20):
        await plain.put(str(number), "\u0007" * 150_000)  # six bytes each as JSON
    assert "ask for less" in await shop.refuses("cache list", cache="plain")
    assert len((await shop("cache list", cache="plain", limit=2))["entries"]) == 2


async def test_while_the_loop_hangs_its_stack_is_told_and_nothing_is_done_later(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "console.sock", limit=0.3) as shop:
        in_thread = asyncio.get_running_loop().run_in_executor
        request = {"verb": "cache put", "cache": "plain", "key": "late", "value": 1}
        put = in_thread(None, asked, shop.path, request)
        dump = in_thread(None, asked, shop.path, {"verb": "threaddump"})
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:  # the loop's own thread: nothing else runs here
            pass
        with pytest.raises(ConsoleError, match="loop does not answer, and nothing was done"):
            await put
        assert "test_while_the_loop_hangs" in (await dump)["text"]
        await asyncio.sleep(0)
        assert await plain.get("late") is None


async def test_a_store_that_does_not_answer_is_told_apart_from_a_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(app: App, request: object) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setitem(VERBS, "queues", never)
    async with opened(tmp_path / "console.sock", limit=0.1) as shop:
        assert "no answer within 0.1 s" in await shop.refuses("queues")


async def test_the_socket_is_its_users_alone_and_a_former_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "console.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with opened(path) as shop:
        assert path.stat().st_mode & 0o777 == 0o600
        assert (await shop("about"))["state"] == "running"
    with pytest.raises(ConsoleError, match="does not listen"):
        await asyncio.to_thread(asked, path, {"verb": "about"})


async def test_where_no_socket_can_be_made_it_is_said_and_nothing_else_happens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path / "no folder" / "console.sock"):
        assert "nobody can look into this replica" in caplog.text


def _stay(ready: Any, go: Any) -> None:
    ready.set()
    go.wait(30)


async def test_a_process_that_user_code_forks_does_not_keep_the_socket(shop: Shop) -> None:
    context = multiprocessing.get_context("fork")
    ready, go = context.Event(), context.Event()
    child = context.Process(target=_stay, args=(ready, go))
    child.start()
    try:
        await asyncio.to_thread(ready.wait, 10)
        assert (await shop("about"))["app"] == "shop"
        numbers = await asyncio.to_thread(_inodes, shop.path)
        links = await asyncio.to_thread(_files, child.pid)
        assert numbers
        assert not {f"socket:[{number}]" for number in numbers} & links
    finally:
        go.set()
        child.join(10)


def _inodes(path: Path) -> set[str]:
    table = Path("/proc/net/unix").read_text().splitlines()
    return {line.split()[6] for line in table if str(path) in line}


def _files(pid: int | None) -> set[str]:
    return {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir()}


async def test_there_is_no_prompt_unless_it_was_enabled(shop: Shop) -> None:
    assert "the prompt is off" in await shop.refuses("repl")


async def test_tasks_that_wait_alike_are_one_and_the_whole_chain_is_shown(shop: Shop) -> None:
    async def inner() -> None:
        await asyncio.Event().wait()

    async def outer() -> None:
        await inner()

    tasks = [asyncio.create_task(outer(), name=f"waits-{number}") for number in range(7)]
    await asyncio.sleep(0)
    text = (await shop("threaddump"))["text"]
    (part,) = [one for one in text.split("\n\n") if "waits-0" in one]
    assert part.startswith("7 tasks waits-0, waits-1, waits-2, waits-3, waits-4, …:")
    assert part.index("in outer") < part.index("in inner") < part.index("in wait")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
