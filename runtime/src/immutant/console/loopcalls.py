"""Asking the application's loop from another thread, within a time limit.

Belongs here: that a question which the loop has not begun within the limit is never begun, so that
"nothing was done" is true when it is said. (asyncio.run_coroutine_threadsafe does not promise that:
what it is told to cancel while the loop hangs begins all the same.)
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError
from contextvars import Context

from immutant.errors import ConsoleError

__all__ = ["LoopHangsError", "LoopSlowError", "on_loop"]


class LoopHangsError(ConsoleError):
    """The loop did not come to it within the limit; nothing was done, and nothing will be."""


class LoopSlowError(ConsoleError):
    """The loop began it, and it had not ended within the limit; it was cancelled then."""


async def on_loop(
    call: Callable[[], Awaitable[object]], loop: asyncio.AbstractEventLoop, limit: float
) -> object:
    """What the call returns, on another thread's loop; it acts for no tenure.

    Raises:
        LoopHangsError: See there.
        LoopSlowError: See there.
        ConsoleError: The loop has ended.
    """
    question = _Question(call, loop)
    try:
        loop.call_soon_threadsafe(question.begin, context=Context())
    except RuntimeError as error:
        raise ConsoleError("the application has ended; ask another replica") from error
    answer = asyncio.wrap_future(question.answer)
    try:
        await asyncio.wait([answer], timeout=limit)
    except asyncio.CancelledError:  # whoever asked has gone
        question.withdraw()
        raise
    if answer.done():
        return answer.result()
    answer.cancel()
    raise LoopSlowError if question.withdraw() else LoopHangsError


class _Question:
    def __init__(
        self, call: Callable[[], Awaitable[object]], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.answer: Future[object] = Future()
        self._call = call
        self._loop = loop
        self._lock = threading.Lock()
        self._is_withdrawn = False
        self._task: asyncio.Task[object] | None = None

    def begin(self) -> None:
        """On the loop."""
        with self._lock:
            if not self._is_withdrawn:
                self._task = self._loop.create_task(_done(self._call))
                self._task.add_done_callback(self._end)

    def withdraw(self) -> bool:
        """Whether it had been begun; it is cancelled then."""
        with self._lock:
            self._is_withdrawn = True
            task = self._task
        if task is None:
            return False
        self._loop.call_soon_threadsafe(task.cancel)
        return True

    def _end(self, task: "asyncio.Task[object]") -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        with contextlib.suppress(InvalidStateError):  # nobody waits for it any more
            if error is not None:
                self.answer.set_exception(error)
            else:
                self.answer.set_result(task.result())


async def _done(call: Callable[[], Awaitable[object]]) -> object:
    return await call()
