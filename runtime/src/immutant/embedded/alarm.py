"""The one timer of a process: it looks when the next delay, lease or time to live runs out.

Belongs here: waiting for the instant. Not here: what is done then (`handoff.release_due`).
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

from immutant.embedded import handoff
from immutant.embedded.engine import Engine
from immutant.embedded.filetime import FileTime
from immutant.errors import StoreError

__all__ = ["Alarm"]

_RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Alarm:
    """Releases what is due, for as long as somebody in this process waits for messages.

    Every process with waiting receives keeps one; which of them comes first does not matter.
    """

    def __init__(self, engine: Engine, time: FileTime) -> None:
        self._engine = engine
        self._time = time
        self._waiting = 0
        self._target: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def needed(self) -> Iterator[None]:
        """Somebody waits."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def expect(self, instant: float | None) -> None:
        """Something is due at that instant of the file's time."""
        if instant is None or not self._waiting:
            return
        if self._target is None or instant < self._target:
            self.stop()
            self._target = instant
            self._task = asyncio.create_task(self._run(instant))

    def look(self) -> None:
        """Something may be due that nobody has told of."""
        if self._waiting:
            self._looking = asyncio.create_task(self._look())

    def check(self) -> None:
        """Fire if the instant has passed unnoticed: timers stand still while a laptop sleeps."""
        target = self._target
        if target is not None and target <= self._time.now():
            self.stop()
            self.expect(target)

    def stop(self) -> None:
        """Forget the instant."""
        if self._task is not None:
            self._task.cancel()
        self._task = self._target = None

    async def _look(self) -> None:
        with contextlib.suppress(StoreError):
            self.expect(await self._engine.read(handoff.next_release))

    async def _run(self, instant: float) -> None:
        await self._time.sleep_until(instant)
        self._target = None
        if not self._waiting:
            return
        try:
            # In a task of its own: an earlier instant may end this one while it waits.
            self.expect(await asyncio.shield(self._engine.write(handoff.release_all_due)))
        except StoreError:
            _log.warning("cannot release what is due in the queues", exc_info=True)
            self.expect(self._time.now() + _RETRY_SECONDS)
