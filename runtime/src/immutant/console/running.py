"""Running one input of a prompt, and interrupting it.

Belongs here: in which thread it runs, and how it is made to end. An input that awaits runs on the
application's loop, where its objects live; any other runs in a thread of its own, so that it may
wait and compute without the application standing still. Not here: what is typed and printed.
"""

import asyncio
import contextvars
import ctypes
import inspect
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import CodeType, FrameType, FunctionType
from typing import Any, Final, Protocol

from immutant.console.output import printing
from immutant.errors import NotRunningError

__all__ = ["FILENAME", "InterruptedInput", "Run", "run"]

FILENAME: Final = "<immutant repl>"
"""Nobody else's: by it the frames of what was typed are told from all others."""

_KNOCK: Final = getattr(signal, "SIGRTMIN", signal.SIGUSR2)
"""The signal that looks whether an input of a prompt is what holds up the loop's thread."""

_UNMOVED: Final = 0.5
"""Seconds in which a loop that is well cancels a task; after that its thread is knocked at."""


class InterruptedInput(BaseException):
    """Ctrl-C for what blocks the loop. A KeyboardInterrupt would end the loop with the task."""


class Run(Protocol):
    """One input at work.

    Attributes:
        outcome: Its end: None, or what it raised.
    """

    outcome: "Future[BaseException | None]"

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt where it is, or cancel it."""


def run(
    code: CodeType,
    names: dict[str, Any],
    loop: asyncio.AbstractEventLoop,
    say: Callable[[str], None],
) -> Run:
    """Begin to run an input.

    Args:
        code: Compiled with PyCF_ALLOW_TOP_LEVEL_AWAIT.
        names: Its global names.
        loop: The application's.
        say: Takes what it prints.
    """
    context = contextvars.Context()  # of no tenure, and of no replica but this process's
    context.run(printing.set, say)
    function = FunctionType(code, names)
    if code.co_flags & inspect.CO_COROUTINE:
        return _OnLoop(function, loop, context)
    return _InThread(function, context)


class _InThread:
    def __init__(self, function: FunctionType, context: contextvars.Context) -> None:
        self.outcome: Future[BaseException | None] = Future()
        self._thread = threading.Thread(
            target=context.run, args=(self._run, function), name="immutant-repl", daemon=True
        )
        self._thread.start()

    def interrupt(self) -> None:
        """It reaches Python code only: a call into C that waits goes on until it returns."""
        ident = self._thread.ident
        if ident is not None and not self.outcome.done():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(ident), ctypes.py_object(KeyboardInterrupt)
            )

    def _run(self, function: FunctionType) -> None:
        error: BaseException | None = None
        try:
            function()
        except BaseException as raised:
            error = raised
        finally:
            self.outcome.set_result(error)


class _OnLoop:
    def __init__(
        self,
        function: FunctionType,
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context,
    ) -> None:
        self.outcome: Future[BaseException | None] = Future()
        self._loop = loop
        self._task: asyncio.Task[BaseException | None] | None = None
        self._call(self._begin, function, context)

    def interrupt(self) -> None:
        self._call(self._cancel)
        threading.Thread(target=self._knock, name="immutant-repl-knock", daemon=True).start()

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            if not self.outcome.done():
                self.outcome.set_result(NotRunningError("the application has ended"))

    def _begin(self, function: FunctionType, context: contextvars.Context) -> None:
        _listen_for_knocks()
        self._task = self._loop.create_task(_error_of(function), context=context)
        self._task.add_done_callback(self._end)

    def _end(self, task: "asyncio.Task[BaseException | None]") -> None:
        self.outcome.set_result(asyncio.CancelledError() if task.cancelled() else task.result())

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _knock(self) -> None:
        try:
            self.outcome.result(_UNMOVED)
        except TimeoutError:
            main = threading.main_thread().ident
            if main is not None and signal.getsignal(_KNOCK) is _answer:
                signal.pthread_kill(main, _KNOCK)


async def _error_of(function: FunctionType) -> BaseException | None:
    """What it raises is returned: a SystemExit would end the application's loop."""
    try:
        await function()
    except BaseException as error:
        return error
    return None


def _listen_for_knocks() -> None:
    """From the first awaiting input on; the loop's thread is the main one, or there are none."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(_KNOCK, _answer)


def _answer(number: int, frame: FrameType | None) -> None:
    """Raise where an input of a prompt blocks the loop, and only there: others do not notice."""
    while frame is not None:
        if frame.f_code.co_filename == FILENAME:
            raise InterruptedInput
        frame = frame.f_back
