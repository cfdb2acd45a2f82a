"""What becomes of a tick that comes due during a run, of runs that fail, and of those that hang."""

import asyncio
import itertools
import threading
from typing import Any

import pytest
from tests.behaviour.singletons.conftest import Cluster, Member

from immutant import App, Backoff, Tick
from immutant.link import JobStatus

QUICK = Backoff(first=0.05, most=0.1)


def job(app: App, function: Any, **options: Any) -> App:
    app.job(name="job", **options)(function)
    return app


async def status(member: Member) -> JobStatus:
    return await member.driver.jobs.status("job")


async def test_with_queue_what_comes_due_during_a_run_waits_its_turn(cluster: Cluster) -> None:
    ticks: list[Tick] = []

    async def slow_at_first(tick: Tick) -> None:
        ticks.append(tick)
        if len(ticks) == 1:
            await tick.tenure.sleep(1.0)

    await cluster.join(job(App("demo"), slow_at_first, every=0.3, overlap="queue"), "demo-0")
    await cluster.until(lambda: len(ticks) >= 6)
    due = [tick.scheduled_at for tick in ticks]
    gaps = {round(later - earlier, 3) for earlier, later in itertools.pairwise(due)}
    assert gaps == {0.3}, "none is passed over"


async def test_a_job_whose_runs_follow_without_a_pause_comes_to_its_place_between_two(
    cluster: Cluster,
) -> None:
    places: dict[str, list[Tick]] = {"demo-0": [], "demo-1": []}

    def slow(place: str) -> App:
        async def run(tick: Tick) -> None:
            places[place].append(tick)
            await cluster.world.clock.sleep(0.35)

        return job(App("demo"), run, every=0.3, overlap="queue", prefer="demo-1")

    await cluster.join(slow("demo-0"), "demo-0")
    await cluster.until(lambda: len(places["demo-0"]) >= 3)
    await cluster.join(slow("demo-1"), "demo-1")
    await cluster.until(lambda: len(places["demo-1"]) >= 2)
    ids = [tick.id for ticks in places.values() for tick in ticks]
    assert len(ids) == len(set(ids)), "each ran once"
    assert {tick.attempt for ticks in places.values() for tick in ticks} == {1}


async def test_with_allow_runs_of_one_job_go_on_side_by_side(cluster: Cluster) -> None:
    going: set[str] = set()
    most = 0

    async def slow(tick: Tick) -> None:
        nonlocal most
        going.add(tick.id)
        most = max(most, len(going))
        await tick.tenure.sleep(1.0)
        going.discard(tick.id)

    await cluster.join(job(App("demo"), slow, every=0.3, overlap="allow"), "demo-0")
    await cluster.until(lambda: most >= 3)


async def test_several_runs_that_were_cut_off_are_each_begun_again(cluster: Cluster) -> None:
    cut_off: list[Tick] = []
    again: list[Tick] = []

    def hanging(ticks: list[Tick]) -> App:
        async def hang(tick: Tick) -> None:
            ticks.append(tick)
            await asyncio.Event().wait()

        return job(App("demo"), hang, every=0.4, repeat=2, overlap="allow")

    dying = await cluster.join(hanging(cut_off), "demo-0")
    await cluster.until(lambda: len(cut_off) == 3)
    await dying.die()
    await cluster.join(hanging(again), "demo-1")
    await cluster.until(lambda: len(again) == 3)
    assert {tick.id for tick in again} == {tick.id for tick in cut_off}
    assert {tick.attempt for tick in again} == {2}


async def test_with_cancel_a_run_ends_for_the_next_tick(cluster: Cluster) -> None:
    begun: list[Tick] = []
    ended: list[str] = []

    async def hang(tick: Tick) -> None:
        begun.append(tick)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(tick.id)

    member = await cluster.join(job(App("demo"), hang, every=0.5, overlap="cancel"), "demo-0")
    await cluster.until(lambda: len(begun) >= 3)
    assert ended == [tick.id for tick in begun[:-1]], "each has ended before the next began"
    assert "cancelled" in {run.outcome for run in (await status(member)).runs}


async def test_a_run_that_takes_too_long_is_cancelled_and_has_failed(cluster: Cluster) -> None:
    begun: list[Tick] = []

    async def hang(tick: Tick) -> None:
        begun.append(tick)
        await asyncio.Event().wait()

    member = await cluster.join(job(App("demo"), hang, every=1.0, timeout=0.3), "demo-0")
    await cluster.until(lambda: len(begun) >= 2)
    assert (await status(member)).runs[0].outcome == "TimeoutError: it took longer than 0.3 s"


async def test_a_plain_function_is_told_and_its_run_ends_with_its_thread(cluster: Cluster) -> None:
    told: list[bool] = []

    def look(tick: Tick) -> None:
        told.append(tick.stopping.wait(20))

    member = await cluster.join(job(App("demo"), look, every=0.5, timeout=0.2), "demo-0")
    await cluster.until(lambda: len(told) >= 1)
    await cluster.until_async(lambda: _has_runs(member))
    run = (await status(member)).runs[0]
    assert told[0] is True
    assert run.outcome.startswith("TimeoutError")


async def _has_runs(member: Member) -> bool:
    return bool((await status(member)).runs)


async def test_a_run_that_failed_is_tried_again_with_the_same_id(cluster: Cluster) -> None:
    tries: list[Tick] = []

    async def fail_twice(tick: Tick) -> None:
        tries.append(tick)
        if tick.attempt < 3:
            raise RuntimeError("not yet")

    app = job(App("demo"), fail_twice, every=30.0, retries=5, backoff=QUICK)
    member = await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(tries) == 3)
    await cluster.until_async(lambda: _has_ended_well(member))
    assert [(tick.id, tick.attempt) for tick in tries] == [(tries[0].id, n) for n in (1, 2, 3)]
    outcomes = [run.outcome for run in (await status(member)).runs]
    assert outcomes == ["RuntimeError: not yet", "RuntimeError: not yet", "ok"]


async def _has_ended_well(member: Member) -> bool:
    return any(run.outcome == "ok" for run in (await status(member)).runs)


async def test_after_so_many_retries_a_tick_has_failed(cluster: Cluster) -> None:
    tries: list[Tick] = []

    async def fail(tick: Tick) -> None:
        tries.append(tick)
        raise RuntimeError("always")

    app = job(App("demo"), fail, every=1.0, retries=2, backoff=QUICK)
    await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(tries) >= 4)
    assert [tick.attempt for tick in tries[:4]] == [1, 2, 3, 1]


async def test_a_run_that_fails_without_words_has_ended_too(cluster: Cluster) -> None:
    tries: list[Tick] = []

    class WordlessError(Exception):
        def __str__(self) -> str:
            raise LookupError

    async def fail(tick: Tick) -> None:
        tries.append(tick)
        raise WordlessError

    app = job(App("demo"), fail, every=1.0, retries=1, backoff=QUICK)
    member = await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(tries) >= 3)
    assert [tick.attempt for tick in tries[:3]] == [1, 2, 1]
    outcome = (await status(member)).runs[0].outcome
    assert outcome == "WordlessError, whose text cannot be had: LookupError"


async def test_a_retry_survives_its_holder(cluster: Cluster) -> None:
    tries: list[tuple[str, Tick]] = []

    def failing(where: str) -> App:
        async def fail(tick: Tick) -> None:
            tries.append((where, tick))
            raise RuntimeError("always")

        return job(App("demo"), fail, every=600.0, retries=1, backoff=3.0)

    first = await cluster.join(failing("demo-0"), "demo-0")
    await cluster.until(lambda: len(tries) == 1)
    await cluster.until_async(lambda: _has_runs(first))
    await first.die()
    await cluster.join(failing("demo-1"), "demo-1")
    await cluster.until(lambda: len(tries) == 2)
    (_, failed), (where, again) = tries
    assert (again.id, again.attempt, where) == (failed.id, 2, "demo-1")


async def test_jitter_delays_the_run_and_leaves_its_instant_as_it_is(cluster: Cluster) -> None:
    ticks: list[tuple[Tick, float]] = []

    async def note(tick: Tick) -> None:
        ticks.append((tick, cluster.world.clock.wall()))

    await cluster.join(job(App("demo"), note, every=0.8, jitter=0.6), "demo-0")
    await cluster.until(lambda: len(ticks) >= 4)
    due = [tick.scheduled_at for tick, _ in ticks]
    assert {round(later - earlier, 3) for earlier, later in itertools.pairwise(due)} == {0.8}
    assert max(begun - tick.scheduled_at for tick, begun in ticks) > 0.1


async def test_a_threads_run_counts_as_going_on_until_it_ends(cluster: Cluster) -> None:
    """What a cancelled coroutine began in a thread is part of its run."""
    release, begun = threading.Event(), asyncio.Event()

    async def run(tick: Tick) -> None:
        begun.set()
        await asyncio.to_thread(release.wait, 20)

    asyncio.get_running_loop().set_default_executor(_tenured())
    member = await cluster.join(job(App("demo"), run, every=30.0, timeout=0.2), "demo-0")
    await cluster.until(begun.is_set)
    await cluster.world.elapse(0.6)
    assert [one.outcome for one in (await status(member)).open] == ["running"]
    release.set()
    await cluster.until_async(lambda: _has_runs(member))


def _tenured() -> Any:
    from immutant.calls import TenuredThreads

    return TenuredThreads()


@pytest.mark.parametrize("overlap", ["skip", "queue"])
async def test_without_allow_runs_never_overlap(cluster: Cluster, overlap: Any) -> None:
    going, seen, most = 0, 0, 0

    async def slow(tick: Tick) -> None:
        nonlocal going, seen, most
        going += 1
        seen, most = seen + 1, max(most, going)
        await tick.tenure.sleep(0.5)
        going -= 1

    await cluster.join(job(App("demo"), slow, every=0.2, overlap=overlap), "demo-0")
    await cluster.until(lambda: seen >= 3)
    assert most == 1
