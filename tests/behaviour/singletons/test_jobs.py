"""What a scheduled job may rely on."""

import asyncio
import itertools
from collections import Counter

from tests.behaviour.singletons.conftest import Cluster, Member

from immutant import App, Tick
from immutant.schedules import Interrupted, Misfire


def ticking(
    ticks: list[Tick],
    every: float = 0.3,
    misfire: Misfire = "latest",
    interrupted: Interrupted = "rerun",
    takes: float = 0.0,
) -> App:
    app = App("demo")

    @app.job(every=every, misfire=misfire, interrupted=interrupted)
    async def job(tick: Tick) -> None:
        ticks.append(tick)
        if takes:
            await tick.tenure.sleep(takes)

    return app


async def test_each_tick_is_claimed_by_one_replica(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    for index in range(3):
        await cluster.join(ticking(ticks), f"demo-{index}")
    await cluster.until(lambda: len(ticks) >= 8)
    assert max(Counter(tick.id for tick in ticks).values()) == 1
    assert all(tick.attempt == 1 for tick in ticks)


async def test_due_instants_keep_their_rhythm_across_a_hand_over(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    first = await cluster.join(ticking(ticks), "demo-0")
    await cluster.until(lambda: len(ticks) >= 3)
    await cluster.join(ticking(ticks), "demo-1")
    await first.leave()
    seen = len(ticks)
    await cluster.until(lambda: len(ticks) >= seen + 3)
    offsets = {round((tick.scheduled_at - ticks[0].scheduled_at) / 0.3, 6) % 1 for tick in ticks}
    assert offsets <= {0.0}, "the anchor is the cluster's, not the process's"


async def died_in_the_middle(cluster: Cluster, interrupted: Interrupted) -> list[Tick]:
    """The ticks of the successor of a replica that died in its first run."""
    cut_off: list[Tick] = []
    dying = await cluster.join(ticking(cut_off, every=3.0, takes=60.0), "demo-0")
    await cluster.until(lambda: len(cut_off) == 1)
    await dying.die()
    ticks: list[Tick] = []
    await cluster.join(ticking(ticks, every=3.0, interrupted=interrupted), "demo-1")
    await cluster.until(lambda: len(ticks) >= 1)
    return [*cut_off, *ticks]


async def test_a_run_that_was_cut_off_is_begun_again_with_the_same_id(cluster: Cluster) -> None:
    first, again, *_ = await died_in_the_middle(cluster, "rerun")
    assert (again.id, again.attempt) == (first.id, 2)


async def test_a_run_whose_tasks_end_with_the_tenure_is_begun_again_elsewhere(
    cluster: Cluster,
) -> None:
    begun: list[Tick] = []

    def grouped() -> App:
        app = App("demo")

        @app.job(every=600.0)
        async def job(tick: Tick) -> None:
            begun.append(tick)
            async with asyncio.TaskGroup() as group:
                group.create_task(tick.tenure.sleep(5.0))

        return app

    leaving = await cluster.join(grouped(), "demo-0")
    await cluster.until(lambda: len(begun) == 1)
    await cluster.join(grouped(), "demo-1")
    await leaving.leave()
    await cluster.until(lambda: len(begun) == 2)
    first, again = begun
    assert (again.id, again.attempt) == (first.id, 2)


async def test_a_run_that_was_cut_off_is_only_recorded_where_the_job_says_so(
    cluster: Cluster,
) -> None:
    # A schedule that differs in any way is another schedule, with no debts.
    cut_off: list[Tick] = []
    app = ticking(cut_off, every=1.0, takes=60.0, interrupted="record")
    dying = await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(cut_off) == 1)
    await dying.die()
    ticks: list[Tick] = []
    await cluster.join(ticking(ticks, every=1.0, interrupted="record"), "demo-1")
    await cluster.until(lambda: len(ticks) >= 1)
    assert ticks[0].id != cut_off[0].id
    assert ticks[0].attempt == 1


async def missed(cluster: Cluster, misfire: Misfire) -> tuple[list[Tick], float]:
    """The ticks after nobody was there for 1.2 s, and when somebody came back."""
    before: list[Tick] = []
    first: Member = await cluster.join(ticking(before, misfire=misfire), "demo-0")
    await cluster.until(lambda: len(before) >= 2)
    await first.leave()
    await cluster.world.elapse(2.4)
    after: list[Tick] = []
    back = cluster.world.clock.wall()
    await cluster.join(ticking(after, misfire=misfire), "demo-1")
    await cluster.until(lambda: len(after) >= 7)
    return [before[-1], *after], back


async def test_missed_ticks_collapse_into_the_latest_by_default(cluster: Cluster) -> None:
    ticks, back = await missed(cluster, "latest")
    assert ticks[1].scheduled_at > back - 0.3 - 0.02
    assert all(later.scheduled_at > back - 0.02 for later in ticks[2:])


async def test_missed_ticks_are_all_made_up_for_where_the_job_says_so(cluster: Cluster) -> None:
    ticks, _ = await missed(cluster, "all")
    due = [tick.scheduled_at for tick in ticks]
    gaps = {round(later - earlier, 3) for earlier, later in itertools.pairwise(due)}
    assert gaps == {0.3}, "none is left out"


async def test_what_comes_due_during_a_run_is_passed_over(cluster: Cluster) -> None:
    ticks: list[Tick] = []
    await cluster.join(ticking(ticks, every=0.2, takes=0.5), "demo-0")
    await cluster.until(lambda: len(ticks) >= 3)
    due = [tick.scheduled_at for tick in ticks]
    assert all(later - earlier >= 0.5 for earlier, later in itertools.pairwise(due))


async def test_a_failing_run_is_over_and_the_next_tick_comes(cluster: Cluster) -> None:
    app, ticks = App("demo"), []

    @app.job(every=0.3)
    async def failing(tick: Tick) -> None:
        ticks.append(tick)
        raise RuntimeError("always")

    await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(ticks) >= 3)
    assert all(tick.attempt == 1 for tick in ticks)
