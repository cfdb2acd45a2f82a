"""The sidecar's process: `python -m immutant.sidecar`.

Belongs here: putting the parts together. It is told everything by its environment
(`immutant.contract.environment`), and finds the API server as any pod does.
"""

import asyncio
import logging
import sys
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
from immutant.webserver import WebServer

__all__ = ["main"]


async def _run(environment: Environment, pod: PodEnvironment) -> int:
    end, failed = ending(environment.lifeline), asyncio.Event()
    clock, metrics = SystemClock(), Metrics()
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
