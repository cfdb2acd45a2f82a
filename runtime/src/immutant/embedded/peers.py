"""The other replicas: noticing that one has died.

Belongs here: looking at their locks. Not here: what their death means (`owners.bury`).
"""

import asyncio
import contextlib
import logging
from functools import partial

from immutant.embedded import owners
from immutant.embedded.engine import Engine
from immutant.embedded.identity import lock_of
from immutant.embedded.locks import Locks
from immutant.errors import StoreError

__all__ = ["Peers"]

_log = logging.getLogger(__name__)


class Peers:
    """Buries the owners whose lock the kernel has released.

    Args:
        watch: Whether a thread for each owner is to wait for that moment; without it the dead are
            found by `bury_dead`.
    """

    def __init__(self, engine: Engine, locks: Locks, *, watch: bool) -> None:
        self._engine = engine
        self._locks = locks
        self._watch = watch
        self._watched: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def look(self) -> None:
        """Somebody may have come or gone: look soon."""
        if self._closed:
            return
        task = self._loop.create_task(self._look())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def bury_dead(self) -> None:
        """Bury every owner whose lock is free, and see to it that the others are watched."""
        living = await self._engine.read(owners.living)
        for owner in living:
            lock = lock_of(owner)
            # A file that is missing counts here, unlike an incarnation's: who closes removes it,
            # even when it could not bury itself. Were that wrong, messages would come twice.
            if not self._locks.exists(lock) or self._locks.is_free(lock):
                await self._bury(owner)
            elif self._watch and owner not in self._watched:
                self._watched.add(owner)
                self._locks.when_free(lock, self._hear_of_death)
        self._watched.intersection_update(living)

    async def close(self) -> None:
        """Stop looking."""
        self._closed = True
        for task in self._tasks:
            task.cancel()

    async def _look(self) -> None:
        try:
            await self.bury_dead()
        except StoreError:
            _log.warning("cannot look after the other replicas", exc_info=True)

    async def _bury(self, owner: str) -> None:
        await self._engine.write(partial(owners.bury, owner=owner))
        self._locks.remove(lock_of(owner))

    def _hear_of_death(self) -> None:
        # The thread may outlive the loop.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.look)
