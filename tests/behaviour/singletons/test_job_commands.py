"""Commands to a job, by any replica: what its holder makes of them, and who may rely on what."""

import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.behaviour.singletons.conftest import Cluster, Member

from immutant import App, CoordinatorError, Tick
from immutant.errors import ConflictError, RequestRefusedError
from immutant.link import Command, JobStatus
from immutant.wire import encode_job


def ticking(ticks: list[Tick], **options: Any) -> App:
    app = App("demo")

    @app.job(name="job", **({"every": 0.3} | options))
    async def job(tick: Tick) -> None:
        ticks.append(tick)

    return app


async def pair(cluster: Cluster, ticks: list[Tick], **options: Any) -> tuple[Member, Member]:
    """Two replicas: the holder, and one that does not hold the job."""
    holder = await cluster.join(ticking(ticks, **options), "demo-0")
    await cluster.until(lambda: len(ticks) >= 1)
    return holder, await cluster.join(ticking(ticks, **options), "demo-1")


async def command(member: Member, verb: Any, **options: Any) -> JobStatus:
    return await member.driver.jobs.command("job", Command(verb, **options))


async def status(member: Member) -> JobStatus:
    return await member.driver.jobs.status("job")


def ended(member: Member, tick: str) -> Callable[[], Awaitable[bool]]:
    async def has_ended() -> bool:
        return any(run.id == tick for run in (await status(member)).runs)

    return has_ended


async def test_a_paused_job_begins_nothing_until_it_is_resumed_by_another_replica(
    cluster: Cluster,
) -> None:
    ticks: list[Tick] = []
    holder, other = await pair(cluster, ticks)
    assert (await command(other, "pause")).paused
    await cluster.world.elapse(0.2)
    seen = len(ticks)
    await cluster.world.elapse(1.2)
    assert len(ticks) == seen
    resumed_at = cluster.world.clock.wall()
    assert not (await command(holder, "resume")).paused
    await cluster.until(lambda: len(ticks) >= seen + 2)
    assert ticks[seen].scheduled_at > resumed_at - 0.02, "what came due meanwhile is passed over"
    offsets = {round((tick.scheduled_at - ticks[0].scheduled_at) / 0.3, 6) % 1 for tick in ticks}
    assert offsets <= {0.0}, "the rhythm is kept"


async def test_a_pause_outlives_its_holder(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    holder, other = await pair(cluster, ticks)
    await command(other, "pause")
    await cluster.world.elapse(0.2)
    await holder.leave()
    seen = len(ticks)
    await cluster.until(lambda: other.driver.running() != set())
    await cluster.world.elapse(1.0)
    assert len(ticks) == seen


async def test_a_trigger_runs_the_job_once_with_an_id_of_its_own(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    _, other = await pair(cluster, ticks, every=600)
    asked = await command(other, "trigger", key="k1")
    again = await command(other, "trigger", key="k1")
    known = [*again.asked, *again.open, *again.runs]
    assert [one.id for one in known if one.id.endswith("/trigger-k1")] == [asked.asked[0].id]
    await cluster.until(lambda: len(ticks) == 2)
    assert ticks[1].id == asked.asked[0].id
    assert ticks[1].id != ticks[0].id
    await cluster.until_async(ended(other, ticks[1].id))
    await command(other, "trigger", key="k1")
    await command(other, "trigger", key="k2")
    await cluster.until(lambda: len(ticks) == 3)
    assert ticks[2].id.endswith("/trigger-k2"), "the first key is known for as long as its run"


async def test_a_trigger_runs_in_a_paused_job_too(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    _, other = await pair(cluster, ticks)
    await command(other, "pause")
    await command(other, "trigger", key="k")
    await cluster.until(lambda: any(tick.id.endswith("/trigger-k") for tick in ticks))


async def test_a_trigger_survives_the_death_of_the_holder(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    holder, other = await pair(cluster, ticks, every=600)
    await holder.die()
    await command(other, "trigger", key="k")
    await cluster.until(lambda: any(tick.id.endswith("/trigger-k") for tick in ticks))


async def test_a_backfill_runs_the_ticks_of_a_range_one_after_the_other(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    _, other = await pair(cluster, ticks, every=600)
    first = ticks[0].scheduled_at
    await command(other, "backfill", key="k", since=first - 3 * 600, until=first)
    await cluster.until(lambda: len(ticks) == 5)
    assert [tick.scheduled_at for tick in ticks[1:]] == [first - 600 * n for n in (3, 2, 1, 0)]
    assert all(tick.id.endswith("/backfill-k") for tick in ticks[1:])
    assert len({tick.id for tick in ticks}) == 5, "also that of the tick that had run"
    await cluster.until_async(ended(other, ticks[-1].id))
    assert (await status(other)).asked == ()


async def test_the_schedule_goes_on_during_a_backfill(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    _, other = await pair(cluster, ticks, every=1.0)
    first = ticks[0].scheduled_at
    await command(other, "backfill", key="k", since=first - 20, until=first - 1)
    await cluster.until(lambda: sum("backfill" in tick.id for tick in ticks) == 20)
    await cluster.until(lambda: sum("backfill" not in tick.id for tick in ticks) >= 3)
    plain = [tick.scheduled_at for tick in ticks if "backfill" not in tick.id]
    assert {round(b - a, 3) for a, b in itertools.pairwise(plain)} == {1.0}


async def test_an_unscheduled_job_ends_until_it_is_resumed_or_another(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    holder, other = await pair(cluster, ticks)
    assert (await command(other, "unschedule")).unscheduled
    await cluster.world.elapse(0.2)
    seen = len(ticks)
    await cluster.world.elapse(1.0)
    assert len(ticks) == seen
    await command(other, "resume")
    await cluster.until(lambda: len(ticks) >= seen + 1)
    await command(other, "unschedule")
    await holder.leave()
    await other.leave()
    replaced: list[Tick] = []
    await cluster.join(ticking(replaced, every=0.25), "demo-2")
    await cluster.until(lambda: len(replaced) >= 2)


async def test_the_last_runs_tell_when_where_and_how(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    holder, other = await pair(cluster, ticks)
    await cluster.until(lambda: len(ticks) >= 12)
    known = await status(other)
    members = {holder.name, other.name}  # on a machine that does other work a tenure may move
    assert known.holder in members
    assert known.ticks >= 11
    assert len(known.runs) == 10
    run = known.runs[-1]
    assert run.member in members
    assert (run.outcome, run.attempt) == ("ok", 1)
    assert run.started is not None
    assert run.ended is not None
    assert run.scheduled_at <= run.started <= run.ended
    assert [one.name for one in await other.driver.jobs.all()] == ["job"]


async def test_a_job_whose_error_names_a_file_that_is_no_utf_8_can_be_commanded(
    cluster: Cluster,
) -> None:
    app = App("demo")

    @app.job(name="job", every=600)
    async def job(tick: Tick) -> None:
        raise FileNotFoundError(b"/data/\xff.csv".decode(errors="surrogateescape"))

    member = await cluster.join(app, "demo-0")

    async def has_failed() -> bool:
        with contextlib.suppress(CoordinatorError):  # nobody has held it so far
            return bool((await status(member)).runs)
        return False

    await cluster.until_async(has_failed)
    answer = encode_job(await command(member, "trigger", key="k"))
    assert json.dumps(answer, ensure_ascii=False).encode(), "as the coordinator answers"


async def test_what_cannot_be_commanded_is_refused_with_a_sentence(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    _, other = await pair(cluster, ticks, every=600)
    with pytest.raises(CoordinatorError, match="no replica has held a job 'nobody' so far"):
        await other.driver.jobs.command("nobody", Command("pause"))
    ahead = cluster.world.clock.wall() + 100
    with pytest.raises(RequestRefusedError, match="a backfill is for the past"):
        await command(other, "backfill", key="k", since=0.0, until=ahead)
    await command(other, "pause")
    for number in range(10):
        await command(
            other, "backfill", key=f"k{number}", since=ahead - 1000, until=ahead - 100.001
        )
        if len((await status(other)).asked) == 10:
            with pytest.raises(RequestRefusedError, match="wait already"):
                await command(other, "trigger", key="one-too-many")


@pytest.mark.parametrize("key", ["a b", "a/b", "", "k" * 65])
async def test_a_key_that_cannot_be_is_refused_without_http_too(cluster: Cluster, key: str) -> None:
    _, other = await pair(cluster, [], every=600)
    with pytest.raises(RequestRefusedError, match="must be up to 64 letters, digits, dashes"):
        await command(other, "trigger", key=key)


async def test_a_body_that_was_garbled_by_hand_is_written_anew_by_its_holder(
    cluster: Cluster,
) -> None:
    ticks: list[Tick] = []
    _, other = await pair(cluster, ticks)
    edited = False
    while not edited:
        there = await other.store.read("demo.job.job")
        assert there is not None
        with contextlib.suppress(ConflictError):
            await other.store.write(replace(there, body="edited"), there.version)
            edited = True
    seen = len(ticks)
    await cluster.until(lambda: len(ticks) >= seen + 3)
    assert len({tick.id for tick in ticks}) == len(ticks)
    offsets = {round((tick.scheduled_at - ticks[0].scheduled_at) / 0.3, 6) % 1 for tick in ticks}
    assert offsets <= {0.0}, "nothing was forgotten"


async def test_commands_of_many_replicas_at_once_all_come_true(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    members = [*await pair(cluster, ticks, every=0.05)]
    for number in range(24):
        await command(members[number % 2], "trigger", key=f"k{number}")
        await cluster.until_async(_has_room(members[0]))
    await cluster.until(lambda: sum("/trigger-" in tick.id for tick in ticks) == 24)
    assert len({tick.id for tick in ticks}) == len(ticks)


def _has_room(member: Member) -> Callable[[], Awaitable[bool]]:
    async def has_room() -> bool:
        return len((await status(member)).asked) < 10

    return has_room
