"""Jobs as an application's own code commands them, and those that each replica runs by itself."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from immutant import App, DefinitionError, NotRunningError, Tick, testing


def hourly(ran: list[Tick]) -> App:
    app = App("demo")

    @app.job(every="1h", name="report/daily")
    async def report(tick: Tick) -> None:
        ran.append(tick)

    return app


async def test_a_trigger_tells_the_id_of_its_tick_and_its_key_is_known() -> None:
    ran: list[Tick] = []
    app = hourly(ran)
    async with testing.cluster(app, replicas=2) as cluster:
        await cluster.advance("1m")
        job = app.jobs["report/daily"]
        tick = await job.trigger(key="k")
        await cluster.advance("1s")
        assert [one.id for one in ran][1:] == [tick]
        assert await job.trigger(key="k") == tick
        runs = await job.runs()
        assert [(run.id, run.outcome) for run in runs][1:] == [(tick, "ok")]
        assert runs[-1].member in cluster.replicas


async def test_a_plain_function_commands_a_job_too() -> None:
    app = App("demo")
    told: list[object] = []

    @app.job(every="1h")
    def report() -> None:
        job = app.jobs["report"].blocking
        job.pause()
        told.append(job.status().paused)
        job.resume()
        job.trigger(key="k")
        job.backfill(0, 1)
        job.unschedule()
        told.append(job.status().unscheduled)
        told.append([run.outcome for run in job.runs()])

    async with testing.cluster(app) as cluster:
        await cluster.advance("10s")
    assert told == [True, True, []]


async def test_a_naive_instant_is_read_in_the_jobs_time_zone() -> None:
    ran: list[Tick] = []
    app = App("demo")

    @app.job(cron="0 3 * * *", tz="Europe/Berlin")
    async def report(tick: Tick) -> None:
        ran.append(tick)

    async with testing.cluster(app) as cluster:
        await cluster.advance("10s")
        await app.jobs["report"].backfill(datetime(2025, 6, 1, 3), datetime(2025, 6, 1, 3))
        await cluster.advance("1s")
    assert [tick.scheduled_at for tick in ran] == [datetime(2025, 6, 1, 1, tzinfo=UTC).timestamp()]


async def test_what_cannot_be_commanded_is_said_in_a_sentence() -> None:
    app = hourly([])

    @app.job(every="1h", singleton=False)
    async def everywhere() -> None: ...

    with pytest.raises(NotRunningError, match="job 'report/daily' was used while"):
        await app.jobs["report/daily"].pause()
    with pytest.raises(
        DefinitionError, match="no job 'rport' is defined; there is: 'report/daily'"
    ):
        app.jobs["rport"]
    async with testing.cluster(app) as cluster:
        await cluster.advance("10s")
        with pytest.raises(DefinitionError, match="nobody can command all of them"):
            await app.jobs["everywhere"].pause()
        with pytest.raises(DefinitionError, match="swap them"):
            await app.jobs["report/daily"].backfill(2, 1)
        with pytest.raises(DefinitionError, match="is no instant"):
            await app.jobs["report/daily"].backfill("yesterday", 1)  # type: ignore[arg-type]


async def test_a_job_of_each_replica_is_tried_again_and_ends_at_its_timeout(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "immutant.job")
    app, tries = App("demo"), []

    @app.job(every="1h", singleton=False, timeout="5s", retries=1)
    async def hanging(tick: Tick) -> None:
        tries.append((tick.tenure.singleton, tick.id, tick.attempt))
        await asyncio.Event().wait()

    async with testing.cluster(app, replicas=2) as cluster:
        await cluster.advance("1m")
    assert sorted((where, attempt) for where, _, attempt in tries) == [
        *(("job.hanging@demo-0", 1), ("job.hanging@demo-0", 2)),
        *(("job.hanging@demo-1", 1), ("job.hanging@demo-1", 2)),
    ]


async def test_a_job_of_each_replica_ends_its_run_for_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "immutant.job")
    app, begun = App("demo"), []

    @app.job(every="10s", singleton=False, overlap="cancel")
    async def hanging(tick: Tick) -> None:
        begun.append(tick)
        await asyncio.Event().wait()

    async with testing.cluster(app) as cluster:
        await cluster.advance("35s")
    assert len(begun) == 4
    assert all(tick.stopping.is_set() for tick in begun)


async def test_a_graceful_stop_tells_a_plain_function_and_lets_it_end() -> None:
    app, told = App("demo"), []

    @app.job(every="1h")
    def report(tick: Tick) -> None:
        told.append(tick.stopping.wait(60))

    async with testing.cluster(app) as cluster:
        await cluster.stop("demo-0")
        assert told == [True]
        await cluster.start("demo-0")
        assert [run.outcome for run in await app.jobs["report"].runs()] == ["ok"]
