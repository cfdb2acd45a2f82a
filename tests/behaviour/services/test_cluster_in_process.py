"""Applications run by `immutant.testing.cluster`: whole, in one process, in no time."""

import asyncio
import re
import runpy
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from immutant import (
    App,
    ConfigurationError,
    DefinitionError,
    Message,
    NotRunningError,
    StoreError,
    Tenure,
    Tick,
    testing,
)
from immutant.clock import SystemClock
from immutant.embedded.topics import EmbeddedTopics

DEMO = Path(__file__).parents[3] / "examples" / "cluster-demo" / "app.py"


def numbers(lines: str, kind: str) -> list[int]:
    return [int(number) for number in re.findall(rf"^{kind} (\d+)", lines, re.MULTILINE)]


async def test_the_demo_loses_and_repeats_no_number_when_its_replicas_stop_one_by_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = runpy.run_path(str(DEMO))["app"]
    async with testing.cluster(app, replicas=3) as cluster:
        for stopped in ("demo-0", "demo-1", "demo-2"):
            await cluster.advance("31s")
            await cluster.stop(stopped)
            await cluster.advance("1s")
            await cluster.start(stopped)
        await cluster.advance("31s")
        await cluster.settled()
    lines = capsys.readouterr().out
    sent = numbers(lines, "send")
    assert len(sent) > 120 / 5
    assert sent == numbers(lines, "recv") == list(range(len(sent)))
    assert numbers(lines, "job") == list(range(7))


async def test_the_demo_goes_on_after_a_crash(capsys: pytest.CaptureFixture[str]) -> None:
    app = runpy.run_path(str(DEMO))["app"]
    async with testing.cluster(app, replicas=2) as cluster:
        await cluster.advance("11s")
        await cluster.kill("demo-0")
        await cluster.advance("31s")
    sent = numbers(capsys.readouterr().out, "send")
    assert sent == list(range(len(sent)))
    assert len(sent) >= 8


async def test_what_a_crash_cut_off_comes_again_and_the_attempt_is_counted() -> None:
    app, begun = App("demo"), list[tuple[str, int]]()
    queue = app.queue("q")

    @app.listener(queue)
    async def handle(body: str, message: Message) -> None:
        begun.append((body, message.attempt))
        if message.attempt == 1:
            await asyncio.Event().wait()

    @app.job(in_="1s")
    async def job(tick: Tick) -> None:
        begun.append((tick.id, tick.attempt))
        if tick.attempt == 1:
            await asyncio.Event().wait()

    async with testing.cluster(app) as cluster:
        await queue.send("work")
        await cluster.advance("5s")
        before = cluster.clock.now()
        await cluster.kill("demo-0")
        await cluster.start("demo-1")
        assert ("work", 2) in begun
        assert cluster.clock.now() == before
        await cluster.advance("5s")
    ids = [name for name, _ in begun if name != "work"]
    assert sorted(attempt for _, attempt in begun) == [1, 1, 2, 2]
    assert len(set(ids)) == 1


async def test_of_a_replica_that_crashed_no_answer_is_heard() -> None:
    app, held = App("demo"), list[str]()

    @app.daemon
    async def one(tenure: Tenure) -> None:
        held.append("begun")
        await tenure.sleep("1h")

    async with testing.cluster(app) as cluster:
        await cluster.advance("5s")
        await cluster.kill("demo-0")
        leases = (await cluster._store.leases.snapshot()).leases
        (daemon,) = [lease for lease in leases if "daemon" in lease.name]
        assert daemon.holder.startswith("demo-0/")
        assert not daemon.released
        await cluster.start("demo-1")
        await cluster.advance("2s")
        assert held == ["begun", "begun"]


async def test_a_daemon_runs_once_in_the_cluster_or_once_per_replica() -> None:
    app, begun, tenures = App("demo"), list[str](), list[Tenure]()

    @app.daemon
    async def one(tenure: Tenure) -> None:
        tenures.append(tenure)
        await tenure.sleep("1h")

    @app.daemon(singleton=False)
    async def each(tenure: Tenure) -> None:
        begun.append("each")
        await tenure.sleep("1h")

    async with testing.cluster(app, replicas=3) as cluster:
        await cluster.advance("1m")
        assert begun == ["each", "each", "each"]
        *former, latest = tenures  # it came to its place, once the replicas had been there a while
        assert len(former) <= 1
        assert all(tenure.lost.is_set() for tenure in former)
        latest.check()


async def test_a_replicas_own_daemon_is_started_again_when_it_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, begun = App("demo"), list[int]()

    @app.daemon(singleton=False)
    async def fragile() -> None:
        begun.append(1)
        raise ValueError("again")

    async with testing.cluster(app) as cluster:
        await cluster.advance("5s")
    assert len(begun) >= 2
    assert "daemon 'fragile' failed" in caplog.text


async def test_a_job_is_run_once_for_each_time_it_is_due() -> None:
    app, ticks = App("demo"), list[Tick]()

    @app.job(every="10s")
    async def job(tick: Tick) -> None:
        ticks.append(tick)

    async with testing.cluster(app, replicas=2) as cluster:
        await cluster.advance("65s")
    assert len({tick.id for tick in ticks}) == len(ticks) >= 6
    due = [tick.scheduled_at for tick in ticks]
    assert {later - sooner for sooner, later in pairwise(due)} == {10.0}


async def test_handles_in_handlers_belong_to_the_replica_that_runs_them() -> None:
    from immutant.running import acting_replica

    app = App("demo")
    queue, handled = app.queue("q"), list[str]()

    @app.listener(queue)
    async def handle(body: object) -> None:
        replica = acting_replica.get()
        handled.append(replica.name if replica else "")

    async with testing.cluster(app, replicas=2) as cluster:
        for number in range(4):
            await queue.send(number)
            await cluster.settled()
    assert sorted(handled) == ["demo-0", "demo-0", "demo-1", "demo-1"]


async def test_plain_functions_settle_too() -> None:
    app = App("demo")
    queue, cache = app.queue("q"), app.cache("c")

    @app.listener(queue, concurrency=2)
    def handle(body: int) -> None:
        cache.blocking.increment("sum", body)

    async with testing.cluster(app, replicas=2) as cluster:
        await queue.send_many(list(range(20)))
        await cluster.settled()
        assert await cache.get("sum") == sum(range(20))


async def test_requests_go_round_robin_or_to_the_replica_that_is_named() -> None:
    from immutant.running import acting_replica

    app = App("demo")

    @app.get("/")
    async def name() -> str:
        replica = acting_replica.get()
        return replica.name if replica else ""

    async with testing.cluster(app, replicas=2) as cluster:
        async with cluster.client() as client:
            answers = [(await client.get("/")).text for _ in range(4)]
        assert sorted(answers) == ["demo-0", "demo-0", "demo-1", "demo-1"]
        async with cluster.client("demo-1") as client:
            assert {(await client.get("/")).text for _ in range(3)} == {"demo-1"}


async def test_a_handler_that_waits_for_the_clock_does_not_settle() -> None:
    app = App("demo")
    queue, go_on = app.queue("q"), asyncio.Event()

    @app.listener(queue)
    async def handle(body: object) -> None:
        await go_on.wait()

    async with testing.cluster(app) as cluster:
        await queue.send("x")
        with pytest.raises(TimeoutError, match="advance it"):
            await cluster.settled()
        go_on.set()
        await cluster.settled()


async def test_what_a_test_asks_wrongly_is_answered_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with testing.cluster(App("demo"), clock=SystemClock()) as cluster:
        with pytest.raises(ConfigurationError, match="stop it first"):
            await cluster.start("demo-0")
        with pytest.raises(NotRunningError, match="running: demo-0"):
            await cluster.stop("demo-7")
        with pytest.raises(ConfigurationError, match="FakeClock"):
            await cluster.advance(1)
        monkeypatch.setitem(sys.modules, "httpx", None)
        with pytest.raises(ConfigurationError, match="pip install httpx"):
            cluster.client()


async def test_stopping_lets_the_time_pass_that_a_stubborn_handler_is_given() -> None:
    app = App("demo")
    queue, ended = app.queue("q"), asyncio.Event()

    @app.listener(queue)
    async def handle(body: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with testing.cluster(app) as cluster:
        await queue.send("x")
        await cluster.clock.sleep(0)
        before = cluster.clock.now()
        await cluster.advance(0)
        await cluster.stop("demo-0")
        assert ended.is_set()
        assert cluster.clock.now() - before >= 10.0


async def test_what_is_defined_too_late_is_refused() -> None:
    app = App("demo")
    queue = app.queue("q")
    async with testing.cluster(app) as cluster:
        with pytest.raises(DefinitionError, match="runs already"):
            app.listener(queue)
        with pytest.raises(DefinitionError, match="runs already"):
            app.daemon(lambda: None)
        with pytest.raises(DefinitionError, match="runs already"):
            app.job(every=1)
        async with cluster.client() as client:
            await client.get("/")
        with pytest.raises(DefinitionError, match="begun to serve"):
            app.get("/late")


async def test_a_replica_that_cannot_start_leaves_nothing_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = App("demo")
    cache = app.cache("c")
    app.listener(app.topic("news"), subscription="mail")(lambda body: None)

    async def failing(*_: object) -> None:
        raise StoreError("disk gone")

    monkeypatch.setattr(EmbeddedTopics, "bind", failing)
    with pytest.raises(StoreError, match="disk gone"):
        async with testing.cluster(app):
            pass
    with pytest.raises(NotRunningError):
        await cache.get("k")


async def test_after_the_cluster_nothing_is_bound_any_more() -> None:
    app = App("demo")
    cache = app.cache("c")
    async with testing.cluster(app):
        await cache.put("k", 1)
    with pytest.raises(NotRunningError):
        await cache.get("k")


async def test_two_clusters_share_nothing() -> None:
    app = App("demo")
    cache = app.cache("c")
    async with testing.cluster(app):
        await cache.put("k", 1)
    async with testing.cluster(app):
        assert await cache.get("k") is None


async def test_a_predecessor_that_slept_cannot_write_what_its_successor_has_read() -> None:
    """Its deadline does not save it here: the entry's stamp does."""
    from immutant import StaleTenureError
    from immutant.context import acting_tenure

    app = App("demo")
    cache = app.cache("c", fenced=True)
    tenures: list[Any] = []

    @app.daemon
    async def daemon(tenure: Tenure) -> None:
        tenures.append(Tenure(tenure.singleton, tenure.token, cluster.clock))  # ends never
        await cache.get("k")
        await tenure.sleep("1h")

    async with testing.cluster(app, replicas=2) as cluster:
        await cluster.advance("10s")
        await cluster.stop("demo-0")
        await cluster.advance("10s")
        await cluster.stop("demo-1") if len(tenures) < 2 else None
        assert len(tenures) >= 2
        assert tenures[0].token < tenures[1].token
        acting = acting_tenure.set(tenures[0])
        try:
            with pytest.raises(StaleTenureError):
                await cache.put("k", "old")
        finally:
            acting_tenure.reset(acting)


async def test_a_job_of_every_replica_runs_on_each() -> None:
    app, ticks = App("demo"), []

    @app.job(every="10s", singleton=False)
    async def everywhere(tick: Tick) -> None:
        ticks.append((tick.tenure.singleton, tick.id))

    async with testing.cluster(app, replicas=2) as cluster:
        await cluster.advance("25s")
    assert len(ticks) == len(set(ticks)) == 6
    assert {name for name, _ in ticks} == {"job.everywhere@demo-0", "job.everywhere@demo-1"}
