"""All replicas of the run.

Belongs here: making, starting, stopping, counting and replacing replicas, one such act at a time.
Not here: who asks for it.
"""

import asyncio
from collections.abc import Callable

from immutant.errors import ImmutantError
from immutant.run.gears import Gear
from immutant.run.replica import Replica
from immutant.run.router.server import Router
from immutant.run.status import singletons

__all__ = ["Build", "Fleet", "UnknownReplicaError"]

Build = Callable[[str, Callable[[], None]], Replica]
"""Makes the replica of that name; the function is to be called when it cannot run at all."""

_PATIENCE = 15.0
"""Seconds within which a replaced replica has to answer its health check."""


class UnknownReplicaError(ImmutantError):
    """There is no replica of that name."""


class Fleet:
    """The replicas, NAME-0 and up.

    Attributes:
        hopeless: Set when no replica can run as configured, and none ever could.
    """

    def __init__(self, name: str, build: Build, router: Router) -> None:
        self.hopeless = asyncio.Event()
        self._name = name
        self._build = build
        self._router = router
        self._replicas: list[Replica] = []
        self._one_at_a_time = asyncio.Lock()

    async def scale(self, count: int) -> str:
        """Add replicas, or stop and forget those with the highest numbers; a sentence about it."""
        async with self._one_at_a_time:
            before = len(self._replicas)
            while len(self._replicas) < count:
                self._add()
            await asyncio.gather(*map(self._drop, self._replicas[count:]))
        return f"{count} replicas, formerly {before}"

    async def stop(self, name: str) -> str:
        """Stop one replica gracefully."""
        async with self._one_at_a_time:
            await self._find(name).stop(self._router.pool)
        return f"{name} is stopped; start it again with `immutant start {name}`"

    async def start(self, name: str) -> str:
        """Start one replica that was stopped or cannot run; nothing if it runs."""
        async with self._one_at_a_time:
            replica = self._find(name)
            if replica.state not in ("stopped", "failed"):
                return f"{name} is {replica.state} already"
            replica.start(self._router.pool)
        return f"{name} is starting"

    async def roll(self) -> str:
        """Replace the replicas that are not stopped, one at a time; a sentence about it.

        Ends at the first one that was up and does not come up again: the others go on as they are.
        """
        async with self._one_at_a_time:
            for replica in self._replicas:
                if replica.state != "stopped" and not await self._replace(replica):
                    return f"{replica.name} does not come up again; the others are left as they are"
        return "reloaded"

    async def stop_all(self) -> None:
        """Stop all replicas gracefully, at the same time; whatever else was being done."""
        await asyncio.gather(*(replica.stop(self._router.pool) for replica in self._replicas))

    def kill(self) -> None:
        """End all processes at once."""
        for replica in self._replicas:
            replica.kill()

    def running(self, name: str = "") -> Replica:
        """The replica of that name, or without one whichever can be asked something.

        Raises:
            UnknownReplicaError: It does not run, or none does.
        """
        asked = [self._find(name)] if name else self._replicas
        able = [replica for replica in asked if replica.app.pid is not None]
        if not able:
            raise UnknownReplicaError(
                f"{name or 'no replica'} does not run now, and only what runs can be asked; "
                f"start {'it' if name else 'one'}: immutant start {name or self._name + '-0'}"
            )
        return next((one for one in able if one.state == "running"), able[0])

    async def gears(self) -> list[Gear]:
        """The replicas as they stand."""
        return list(await asyncio.gather(*map(_gear, self._replicas)))

    def _add(self) -> None:
        name = f"{self._name}-{len(self._replicas)}"
        replica = self._build(name, lambda: self._refused(replica))
        self._replicas.append(replica)
        self._router.add(replica.backend)
        replica.start(self._router.pool)

    async def _drop(self, replica: Replica) -> None:
        await replica.stop(self._router.pool)
        self._router.remove(replica.backend)
        self._replicas.remove(replica)

    async def _replace(self, replica: Replica) -> bool:
        """Whether it is no worse than before."""
        pool, was_up = self._router.pool, replica.backend.up
        await replica.stop(pool, for_now=True)
        replica.start(pool)
        return await pool.settled(replica.backend, _PATIENCE) or not was_up

    def _refused(self, replica: Replica) -> None:
        pool = self._router.pool
        pool.take_out(replica.backend, "it cannot run; its lines in the log say why")
        if not pool.was_up and all(other.state == "failed" for other in self._replicas):
            self.hopeless.set()

    def _find(self, name: str) -> Replica:
        for replica in self._replicas:
            if replica.name == name:
                return replica
        names = ", ".join(replica.name for replica in self._replicas)
        raise UnknownReplicaError(f"there is no replica {name!r}; there are {names}")


async def _gear(replica: Replica) -> Gear:
    pids = (replica.app.pid, replica.coordinator.pid)
    return Gear(
        name=replica.name,
        state=replica.state,
        pid=pids[0],
        coordinator=pids[1],
        web=replica.backend.up,
        singletons=await singletons(replica.address) if pids[1] else None,
        restarts=replica.app.restarts + replica.coordinator.restarts,
    )
