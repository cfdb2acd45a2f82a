"""A daemon that every replica runs by itself.

Belongs here: keeping the function running until the replica stops. Not here: daemons of which the
cluster has one (`immutant.singletons`).
"""

import asyncio

from immutant.calls import Handler
from immutant.definitions import DaemonDefinition
from immutant.running import Replica
from immutant.services.pausing import cancel_all, finish_within
from immutant.singletons.running import keep_running
from immutant.tenure import Tenure

__all__ = ["Resident"]


class Resident:
    """One such daemon on this replica.

    Its tenure is the replica's life. It fences nothing: the same daemon of another replica is no
    rival.
    """

    def __init__(self, definition: DaemonDefinition, replica: Replica) -> None:
        self._name = definition.name
        self._handler = Handler(definition.function, offered=1)
        self._clock = replica.clock
        self._tenure = Tenure(f"daemon.{definition.name}@{replica.name}", 0, replica.clock)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to run it."""
        running = keep_running(self._name, self._handler, self._tenure, self._clock)
        self._tasks = [asyncio.create_task(running)]

    async def drain(self, grace: float) -> None:
        """Let it end between its steps; cancel it after `grace` seconds."""
        self._tenure.stop()
        await finish_within(self._tasks, grace, self._clock)

    async def stop(self) -> None:
        """End it now."""
        self._tenure.end()
        await cancel_all(self._tasks)
