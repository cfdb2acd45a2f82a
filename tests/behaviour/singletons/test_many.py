"""One replica with many singletons: what its coordinator does grows with them, and no faster."""

import asyncio
from collections.abc import AsyncIterator

from tests.behaviour.conftest import world_on
from tests.behaviour.singletons.conftest import Cluster
from tests.work import counted

from immutant import App, Tenure

world = world_on(["memory"])

FEW, MANY = 30, 240


def idling(count: int) -> tuple[App, set[Tenure]]:
    """So many daemons that wait to be stopped, and the tenures of those that run."""
    app, running = App("demo"), set[Tenure]()

    async def idle(tenure: Tenure) -> None:
        running.add(tenure)
        try:
            await tenure.sleep(1000.0)
        finally:
            running.discard(tenure)

    for number in range(count):
        app.daemon(name=f"d{number}")(idle)
    return app, running


async def _work(cluster: Cluster, count: int) -> int:
    """What it costs to take so many, to lose them all in an outage, to take and to leave them."""
    app, running = idling(count)
    with counted("immutant/coordinator") as work:
        member = await cluster.join(app, "demo-0")
        supervisor = asyncio.ensure_future(_listen(member.driver.deadlines()))
        await cluster.until(lambda: len(running) == count)
        member.store.frozen = True
        await cluster.until(lambda: not running)
        member.store.frozen = False
        await cluster.until(lambda: len(running) == count)
        await cluster.world.elapse(1.0)
        assert len(running) == count
        await member.leave()
    supervisor.cancel()
    return work.lines


async def _listen(deadlines: AsyncIterator[object]) -> None:
    async for _ in deadlines:
        pass


async def test_eight_times_as_many_cost_a_coordinator_about_eight_times_as_much(
    cluster: Cluster,
) -> None:
    few = await _work(cluster, FEW)
    assert await _work(cluster, MANY) < 1.5 * MANY / FEW * few
