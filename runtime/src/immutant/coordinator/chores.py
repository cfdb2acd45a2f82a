"""What a coordinator does in the background, and what becomes of it.

Belongs here: starting it, and its end, also by an error. Not here: what is done.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

__all__ = ["Chores"]

_log = logging.getLogger("immutant.coordinator")


class Chores:
    """Tasks that are kept until they end."""

    def __init__(self, on_failure: Callable[[], object]) -> None:
        """Begin with none.

        Args:
            on_failure: Called when one failed. Each handles what may happen to it, so that is a
                programming error.
        """
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_failure = on_failure

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin one; needs a running loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def cancel(self) -> None:
        """End all."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.critical("the coordinator failed and gives up", exc_info=error)
            self._on_failure()
