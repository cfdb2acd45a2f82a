"""One replica: a coordinator and an application, kept running, and its place in the router.

Belongs here: the order in which the parts of a replica start and stop. Not here: which replicas
there are.
"""

from pathlib import Path
from typing import Literal

from immutant.contract.environment import Address
from immutant.run.keeper import Keeper
from immutant.run.router.pool import Pool, WebBackend

__all__ = ["Replica", "State"]

State = Literal["starting", "running", "restarting", "stopping", "stopped", "failed"]

_APP_MARGIN = 2.0
"""Seconds beyond the grace before an application is killed: it ends what drags on by itself."""
_COORDINATOR_GRACE = 3.0


class Replica:
    """A coordinator and an application that start and stop as one.

    Attributes:
        name: The replica's name, e.g. demo-0.
        coordinator: Its coordinator, kept running.
        app: Its application, kept running.
        backend: Its web server, as the router sees it.
        address: Where its coordinator listens.
        console: The socket at which its application answers who looks into it.
    """

    def __init__(
        self,
        name: str,
        *,
        coordinator: Keeper,
        app: Keeper,
        backend: WebBackend,
        address: Address,
        console: Path,
        grace: float,
    ) -> None:
        self.name = name
        self.coordinator = coordinator
        self.app = app
        self.backend = backend
        self.address = address
        self.console = console
        self._grace = grace

    @property
    def state(self) -> State:
        """What it is about, for users."""
        phases = {self.app.phase, self.coordinator.phase}
        for phase, state in _STATES:
            if phase in phases:
                return state
        return "running" if self.backend.up else "starting"

    def start(self, pool: Pool) -> None:
        """Start both processes at once: neither waits for the other to be there."""
        pool.admit(self.backend)
        self.coordinator.start()
        self.app.start()

    async def stop(self, pool: Pool, *, for_now: bool = False) -> None:
        """Stop gracefully: no new requests, then the application, then its coordinator.

        Args:
            pool: The router's pool.
            for_now: It will be started again at once; requests may wait for it.
        """
        complaint = "it is being replaced" if for_now else "it was stopped"
        pool.take_out(self.backend, complaint, expected=for_now)
        await self.app.stop(self._grace + _APP_MARGIN)
        await self.coordinator.stop(_COORDINATOR_GRACE)

    def kill(self) -> None:
        """End both at once."""
        self.app.kill()
        self.coordinator.kill()


_STATES: tuple[tuple[str, State], ...] = (
    ("failed", "failed"),
    ("stopping", "stopping"),
    ("stopped", "stopped"),
    ("waiting", "restarting"),
)
