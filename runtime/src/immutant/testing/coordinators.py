"""How a replica of a test's cluster reaches its coordinator: without a socket or a process.

Belongs here: the one seam between `Cluster` and elections.
"""

from collections.abc import Awaitable, Callable

from immutant.clock import Clock
from immutant.coordinator.driver import Driver
from immutant.coordinator.local import LocalLink
from immutant.election import Timings
from immutant.embedded import EmbeddedBackend
from immutant.link import Link

__all__ = ["LinkFactory", "local_link"]

LinkFactory = Callable[[str, str, EmbeddedBackend, Clock], Awaitable[Link]]
"""From the application's name, the replica's name, its backend and the clock to its link."""


async def local_link(app: str, replica: str, backend: EmbeddedBackend, clock: Clock) -> Link:
    """A link to a coordinator of the replica's own in this process."""
    driver = Driver(app, replica, backend.leases, clock, Timings())
    driver.start()
    return LocalLink(driver)
