"""The coordinator as a process of its own, on the embedded store: `python -m immutant.coordinator`.

Belongs here: putting the parts together and the process's end. It is told everything by its
environment (`immutant.contract.environment`).
"""

import asyncio
import logging
import sys
from pathlib import Path

from immutant.clock import SystemClock
from immutant.contract.environment import Environment
from immutant.coordinator.api import coordinator_api
from immutant.coordinator.driver import Driver
from immutant.coordinator.lifetime import live
from immutant.coordinator.vigil import Vigil
from immutant.embedded import EmbeddedBackend
from immutant.errors import ConfigurationError
from immutant.processes import ending, status_of
from immutant.webserver import WebServer

__all__ = ["main"]


async def _run(environment: Environment) -> int:
    end = ending(environment.lifeline)
    if not isinstance(environment.state, Path):
        raise ConfigurationError(
            "IMMUTANT_GRID is set: beside a grid the coordinator is `python -m immutant.sidecar`"
        )
    backend = await EmbeddedBackend.open(
        environment.state, replica=environment.replica, watch_peers=True
    )
    failed = asyncio.Event()
    driver = Driver(
        environment.app,
        environment.replica,
        backend.leases,
        SystemClock(),
        environment.timings,
        on_failure=failed.set,
    )
    server = WebServer(
        coordinator_api(driver, Vigil(environment.app_lock, driver.gone)), environment.coordinator
    )
    status = await live(driver, [server], end, failed)
    await backend.close()
    return status


def main() -> int:
    """Run until told to end; the exit status."""
    logging.basicConfig(level=logging.WARNING, format="coordinator: %(message)s")
    return status_of(lambda: asyncio.run(_run(Environment.read())))


if __name__ == "__main__":
    sys.exit(main())
