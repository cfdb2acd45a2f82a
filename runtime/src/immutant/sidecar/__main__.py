"""The sidecar's process: `python -m immutant.sidecar`.

Belongs here: putting the parts together. It is told everything by its environment
(`immutant.contract.environment`), and finds the API server as any pod does.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager

from immutant.clock import SystemClock
from immutant.contract.environment import Environment, Grid, PodEnvironment
from immutant.coordinator.driver import Driver
from immutant.coordinator.lifetime import live
from immutant.coordinator.vigil import Vigil
from immutant.kube import KubeClient, KubeLeases, Owner, configuration
from immutant.processes import ending, status_of
from immutant.sidecar.api import sidecar_api
from immutant.sidecar.metrics import Metrics
from immutant.sidecar.ops import ops_api
from immutant.sidecar.quorum import Quorum
from immutant.sidecar.standby import app_has_ended, stand_by
from immutant.stopped import Mark, begin_again
from immutant.webserver import WebServer

__all__ = ["main"]


async def _run(environment: Environment, pod: PodEnvironment) -> int:
    """Take part until told to end, or until the pod is stopped: then begin again, and stand by."""
    end, mark = ending(environment.lifeline), Mark(environment.app_lock)
    if mark.is_set:
        grid = environment.state
        await stand_by(mark, pod.ops, grid.topology if isinstance(grid, Grid) else None, end)
    if end.is_set():
        return os.EX_OK
    over = asyncio.Event()
    told = asyncio.create_task(_set_after(end.wait(), over))
    stopped = asyncio.create_task(_set_after(app_has_ended(mark, environment.app_lock), over))
    status = await _take_part(environment, pod, over)
    was_stopped = stopped.done()  # though it may be started again by now
    told.cancel()
    stopped.cancel()
    if was_stopped and status == os.EX_OK and not end.is_set():
        begin_again()
    return status


async def _set_after(what: Awaitable[object], event: asyncio.Event) -> None:
    await what
    event.set()


async def _take_part(environment: Environment, pod: PodEnvironment, end: asyncio.Event) -> int:
    """Serve the pod's application until `end` is set, and hand over then; the exit status."""
    clock, metrics, failed = SystemClock(), Metrics(), asyncio.Event()
    client = KubeClient(await configuration(), clock, metrics.observe)
    owner = Owner(pod.namespace, environment.app, pod.app_uid)
    grid = environment.state
    driver = Driver(
        environment.app,
        environment.replica,
        KubeLeases(client, owner, clock, environment.timings.api_timeout),
        clock,
        environment.timings,
        on_failure=failed.set,
        life=f"{environment.replica}/{pod.pod_uid}",
        epoch=pod.epoch,
        zone=pod.zone,
        resident=isinstance(grid, Grid),  # who has data in the grid has a vote
    )
    metrics.follow(driver, clock)
    quorum = Quorum(driver, clock, grid.topology, failed.set) if isinstance(grid, Grid) else None
    vigil = Vigil(environment.app_lock, driver.gone)
    beside: list[AbstractAsyncContextManager[object]] = [
        WebServer(ops_api(driver, metrics.registry, quorum), pod.ops),
        WebServer(sidecar_api(driver, vigil), environment.coordinator),
        *([quorum] if quorum else []),
    ]
    status = await live(driver, beside, end, failed)
    await client.close()
    return status


def main() -> int:
    """Run until told to end; the exit status."""
    logging.basicConfig(level=logging.WARNING, format="sidecar: %(message)s")
    return status_of(lambda: asyncio.run(_run(Environment.read(), PodEnvironment.read())))


if __name__ == "__main__":
    sys.exit(main())
