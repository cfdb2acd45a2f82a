"""What a daemon of which the cluster has one may rely on."""

import asyncio
import gc
import threading
from dataclasses import dataclass, field

import pytest
from tests.behaviour.singletons.conftest import FAST, Cluster

from immutant import App, BlockingTenure, Tenure, TenureLostError
from immutant.calls import waiting


@dataclass
class Life:
    """What the daemon of one replica has done."""

    begun: list[int] = field(default_factory=list)
    beats: int = 0
    ended: list[int] = field(default_factory=list)
    tenure: Tenure | None = None

    @property
    def runs(self) -> bool:
        return len(self.begun) > len(self.ended)


def beating(life: Life, prefer: str = "") -> App:
    app = App("demo")

    @app.daemon(prefer=prefer)
    async def heart(tenure: Tenure) -> None:
        life.begun.append(tenure.token)
        life.tenure = tenure
        try:
            async for _ in tenure.every(0.05):
                life.beats += 1
        finally:
            life.ended.append(tenure.token)

    return app


async def _gap(cluster: Cluster, lives: list[Life]) -> float:
    """Wait until the second of two has it; the longest time in which neither had."""
    longest, since = 0.0, cluster.world.clock.now()
    while not lives[1].runs:
        await cluster.world.elapse(0.02)
        now = cluster.world.clock.now()
        since = now if lives[0].runs else since
        longest = max(longest, now - since)
    return longest


async def test_it_runs_on_one_replica_and_comes_to_its_place_once(cluster: Cluster) -> None:
    lives = [Life(), Life(), Life()]
    for index, life in enumerate(lives):
        await cluster.join(beating(life), f"demo-{index}")
    await cluster.until(lambda: sum(life.beats for life in lives) >= 60)
    assert lives[2].runs, "the rendezvous of this name"
    assert sum(len(life.begun) for life in lives) <= 2
    assert sum(life.runs for life in lives) == 1


async def test_a_preferred_replica_gets_it_when_it_comes_and_it_ends_between_its_steps(
    cluster: Cluster,
) -> None:
    lives = [Life(), Life()]
    await cluster.join(beating(lives[0], prefer="demo-7"), "demo-0")
    await cluster.until(lambda: lives[0].runs)
    await cluster.join(beating(lives[1], prefer="demo-7"), "demo-7")
    gap = await _gap(cluster, lives)
    assert lives[1].runs
    assert lives[0].ended == lives[0].begun
    if cluster.world.is_turned:  # else the machine's own pauses are in it
        assert gap < FAST.renew_period / 2, "its successor does not wait for its turn"
    assert gap < 1.0
    assert lives[1].begun[0] > lives[0].begun[0], "tokens grow"
    assert cluster.members[0].driver.ledger.moves == {("demo.daemon.heart", "placement"): 1}
    await cluster.members[1].leave()
    assert await cluster.until(lambda: lives[0].runs) < 1.0


async def test_in_a_preferred_zone_it_goes_to_who_is_there(cluster: Cluster) -> None:
    lives = [Life(), Life()]
    await cluster.join(beating(lives[0], prefer="near"), "demo-2", zone="far")
    await cluster.until(lambda: lives[0].runs)
    await cluster.join(beating(lives[1], prefer="near"), "demo-0", zone="near")
    await cluster.until(lambda: lives[1].runs)
    assert not lives[0].runs


async def test_a_drain_during_a_move_leaves_a_step_the_time_of_the_drain(cluster: Cluster) -> None:
    app, life = App("demo"), Life()

    @app.daemon(name="heart", prefer="demo-7")
    async def slow(tenure: Tenure) -> None:
        life.begun.append(tenure.token)
        try:
            await tenure.stopping.wait()
            await asyncio.Event().wait()
        finally:
            life.ended.append(tenure.token)

    leaving, successor = await cluster.join(app, "demo-0"), Life()
    await cluster.until(lambda: life.runs)
    await cluster.join(beating(successor, prefer="demo-7"), "demo-7")
    await cluster.until(lambda: bool(leaving.driver.ledger.moves))
    assert not successor.runs, "it waits for the end of the step"
    leave = asyncio.ensure_future(leaving.leave())
    assert await cluster.until(lambda: successor.runs) < 2.0
    assert not life.runs
    await leave


async def test_a_hand_over_lets_it_end_between_its_steps_and_its_successor_begins_after(
    cluster: Cluster,
) -> None:
    first, second = Life(), Life()
    leaving = await cluster.join(beating(first), "demo-0")
    await cluster.until(lambda: first.runs)
    await cluster.join(beating(second), "demo-1")
    await leaving.leave()
    assert first.ended == first.begun
    assert await cluster.until(lambda: second.runs) < 1.0
    assert second.begun[0] > first.begun[0], "tokens grow"


async def test_the_death_of_the_application_frees_it_at_once(cluster: Cluster) -> None:
    first, second = Life(), Life()
    dying = await cluster.join(beating(first), "demo-0")
    await cluster.until(lambda: first.runs)
    await cluster.join(beating(second), "demo-1")
    await cluster.until(lambda: len(cluster.members[1].driver.tenures()) == 0)
    dying.driver.gone("demo-0")
    assert await cluster.until(lambda: second.runs) < 1.0


async def test_the_death_of_a_whole_replica_frees_it_in_time(cluster: Cluster) -> None:
    first, second = Life(), Life()
    dying = await cluster.join(beating(first), "demo-0")
    await cluster.until(lambda: first.runs)
    await cluster.join(beating(second), "demo-1")
    await dying.die()
    assert await cluster.until(lambda: second.runs) < FAST.lease_duration + 1.0


async def test_a_tenure_without_renewals_ends_at_its_deadline(cluster: Cluster) -> None:
    life = Life()
    member = await cluster.join(beating(life), "demo-0")
    await cluster.until(lambda: life.runs)
    assert life.tenure is not None
    life.tenure.check()
    assert 0 < life.tenure.expires_in() <= FAST.renew_deadline
    member.store.frozen = True
    assert await cluster.until(lambda: not life.runs) <= FAST.renew_deadline + 0.5
    with pytest.raises(TenureLostError, match="another replica may hold it"):
        life.tenure.check()


async def test_code_that_fails_or_returns_is_started_again(cluster: Cluster) -> None:
    app, attempts = App("demo"), []

    @app.daemon
    async def failing(tenure: Tenure) -> None:
        attempts.append(tenure.token)
        if len(attempts) == 1:
            raise RuntimeError("the first time it fails")

    await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(attempts) >= 3)
    assert len(set(attempts)) == 1, "in the same tenure"
    assert cluster.members[0].driver.ledger.failures == {"failing": len(attempts)}


async def test_code_that_fails_without_words_is_started_again_in_the_same_tenure(
    cluster: Cluster,
) -> None:
    app, attempts = App("demo"), []

    class WordlessError(Exception):
        def __str__(self) -> str:
            raise LookupError

    @app.daemon
    async def failing(tenure: Tenure) -> None:
        attempts.append(tenure.token)
        raise WordlessError

    await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(attempts) >= 3)
    assert len(set(attempts)) == 1
    assert cluster.members[0].driver.ledger.failures == {"failing": len(attempts)}


async def test_code_that_fails_again_and_again_is_tried_elsewhere(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    app, life, failures = App("demo"), Life(), []

    @app.daemon(name="heart", attempts=2, prefer="demo-0")
    async def failing() -> None:
        failures.append(1)
        raise RuntimeError("something that this replica lacks")

    first = await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(failures) >= 3)
    assert first.driver.stepped_back() == {"demo.daemon.heart"}
    assert first.driver.tenures(), "nobody else is there, so it goes on here"
    await cluster.join(beating(life, prefer="demo-0"), "demo-1")
    await cluster.until(lambda: life.runs)
    assert first.driver.ledger.moves == {("demo.daemon.heart", "failures"): 1}
    assert "failed 2 times in a row here" in caplog.text
    assert "handed over to demo-1 (failures)" in caplog.text
    beats = life.beats
    await cluster.until(lambda: life.beats >= beats + 40)
    assert life.begun == [life.begun[0]], "it does not come back, although its place is there"


async def test_who_failed_too_often_has_it_again_when_nobody_else_is_there(
    cluster: Cluster,
) -> None:
    app, failures, life = App("demo"), [], Life()

    @app.daemon(name="heart", attempts=1)
    async def failing() -> None:
        failures.append(1)
        raise RuntimeError("again")

    await cluster.join(app, "demo-0")
    other = await cluster.join(beating(life), "demo-1")
    await cluster.until(lambda: life.runs)
    before = len(failures)
    await other.leave()
    assert await cluster.until(lambda: len(failures) > before) < 2.0


async def test_a_plain_function_runs_in_a_thread_and_ends_in_its_sleep(cluster: Cluster) -> None:
    app, threads, ended = App("demo"), [], []

    @app.daemon
    def plain(tenure: BlockingTenure) -> None:
        threads.append(threading.current_thread())
        try:
            while True:
                tenure.sleep(60)
        finally:
            ended.append(tenure.token)

    member = await cluster.join(app, "demo-0")
    await cluster.until(lambda: bool(threads))
    assert threads[0] is not threading.main_thread()
    await member.leave()
    assert len(ended) == 1


async def test_a_daemon_that_hangs_is_begun_again_in_another_tenure(cluster: Cluster) -> None:
    app, begun = App("demo"), []

    @app.daemon(alive_within="1s")
    async def hanging(tenure: Tenure) -> None:
        begun.append(tenure.token)
        if len(begun) == 1:
            await asyncio.Event().wait()
        await tenure.sleep("1h")

    member = await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(begun) == 2)
    assert begun[1] > begun[0]
    assert member.driver.ledger.failures == {"hanging": 1}
    await cluster.world.elapse(2.5)
    assert len(begun) == 2, "who sleeps in its tenure is not silent"


async def test_a_daemon_that_ignores_its_end_keeps_its_successor_waiting(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    app, begun, go_on = App("demo"), [], threading.Event()

    @app.daemon(alive_within="1s")
    def hanging(tenure: BlockingTenure) -> None:
        begun.append(tenure.token)
        if len(begun) == 1:
            with waiting():  # as on a peer that does not answer
                go_on.wait(60)
        tenure.sleep("1h")

    await cluster.join(app, "demo-0")
    await cluster.join(app, "demo-1")
    await cluster.until(lambda: len(begun) == 1)
    await cluster.world.elapse(3.0)
    held = [one for one in cluster.members if one.driver.tenures()]
    assert len(held) == 1, "until its process is killed nobody else begins"
    assert len(begun) == 1
    go_on.set()
    await cluster.until(lambda: len(begun) == 2)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_a_daemon_that_asks_for_nothing_may_hang(cluster: Cluster) -> None:
    app, begun = App("demo"), []

    @app.daemon
    async def hanging(tenure: Tenure) -> None:
        begun.append(tenure.token)
        await asyncio.Event().wait()

    await cluster.join(app, "demo-0")
    await cluster.until(lambda: len(begun) == 1)
    await cluster.world.elapse(3.0)
    assert len(begun) == 1


async def test_a_plain_function_hears_of_the_loss_of_its_tenure(cluster: Cluster) -> None:
    app, heard = App("demo"), []

    @app.daemon
    def plain(tenure: BlockingTenure) -> None:
        heard.append(tenure.lost.wait("1ms"))
        heard.append(tenure.lost.wait())

    member = await cluster.join(app, "demo-0")
    await cluster.until(lambda: heard == [False])
    member.store.frozen = True
    await cluster.until(lambda: heard == [False, True])
