"""Calling the user's functions, `async def` and plain `def` alike.

Belongs here: how many arguments a function takes, and the threads in which plain ones run. Those
threads are the users' alone: were they shared with a store's, handlers that wait for the store
could occupy every thread that the store needs to answer them. How many of them compute is known,
so that a fake clock can let them finish before it goes on.
"""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from immutant.context import acting_tenure, run_threads
from immutant.definitions import Function
from immutant.errors import HandlerExitError, TenureEndedExit
from immutant.values import Value

__all__ = ["Handler", "TenuredThreads", "computing", "in_thread", "waiting"]

T = TypeVar("T")

_MOST_THREADS = 512
"""Started only when none is idle; the work itself is bounded by listeners' concurrency."""


class TenuredThreads(ThreadPoolExecutor):
    """Threads whose work belongs to the tenure, and to the run, for which it was begun.

    Nobody can stop a thread; but a tenure can wait for its own before it says that it has stopped.
    As a loop's default executor it does so for `asyncio.to_thread` in the user's code too.
    """

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":  # noqa: ANN401 - as the base class
        future = super().submit(_whole, partial(fn, *args, **kwargs))
        tenure = acting_tenure.get()
        for threads in (tenure.threads if tenure else None, run_threads.get()):
            if threads is not None:
                threads.add(future)
                future.add_done_callback(threads.discard)
        return future


_threads = TenuredThreads(_MOST_THREADS, thread_name_prefix="immutant-handler")


async def in_thread(function: Function, *arguments: object) -> Value:
    """Call a plain function in a thread, with the caller's context variables.

    Cancelling leaves the thread running: Python cannot stop it.
    """
    context = contextvars.copy_context()
    call = partial(context.run, function, *arguments)
    _computing.change(+1)
    running = _threads.submit(_compute, call)
    running.add_done_callback(lambda _: _computing.change(-1))  # also when it never began
    return await asyncio.wrap_future(running)


def computing() -> int:
    """How many plain functions run now and do not wait for the loop."""
    return _computing.count


@contextmanager
def waiting() -> Iterator[None]:
    """Within the context the calling thread waits for the loop."""
    is_ours = getattr(_thread, "computes", False)
    if is_ours:
        _computing.change(-1)
    try:
        yield
    finally:
        if is_ours:
            _computing.change(+1)


class _Counter:
    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()

    def change(self, by: int) -> None:
        with self._lock:
            self.count += by


_computing = _Counter()
_thread = threading.local()


def _whole(call: Callable[[], T]) -> T:
    """Call; a StopIteration, which no asyncio future can hold, becomes an error that one can."""
    try:
        return call()
    except StopIteration as error:
        raise RuntimeError("the function raised StopIteration: next() found nothing") from error


def _compute(call: "partial[Value]") -> Value:
    _thread.computes = True
    try:
        return call()
    finally:
        _thread.computes = False


class Handler:
    """A user's function, callable with `await` whatever its kind."""

    def __init__(self, function: Function, offered: int) -> None:
        """Look at the function once.

        Args:
            function: What the user decorated.
            offered: How many arguments it will be offered; it is given as many as it takes.
        """
        self.function = function
        self.name = getattr(function, "__qualname__", repr(function))
        self._takes = min(offered, _positional(function))
        self.is_async = _is_async(function)

    async def __call__(self, *arguments: object) -> Value:
        """Call it.

        Raises:
            TenureEndedExit: It ended with its tenure, also where only tasks of its group did.
            HandlerExitError: It raised what is no Exception. Left alone that would end more than
                the function: a SystemExit ends the loop, another BaseException its caller's task.
        """
        taken = arguments[: self._takes]
        try:
            if self.is_async:
                return await self.function(*taken)
            return await in_thread(self.function, *taken)
        except (Exception, asyncio.CancelledError, TenureEndedExit):
            raise
        except BaseException as error:
            if _has_only_ends_of_tenures(error):
                raise TenureEndedExit from error
            raise HandlerExitError(
                f"{self.name} raised {error!r}: a function that Immutant calls must return or "
                "raise an Exception; it cannot end the process"
            ) from error


def _has_only_ends_of_tenures(error: BaseException) -> bool:
    """Whether it is what a TaskGroup raises when tasks of it slept to the end of their tenure."""
    return isinstance(error, BaseExceptionGroup) and error.split(TenureEndedExit)[1] is None


def _is_async(function: Function) -> bool:
    while isinstance(function, partial):
        function = function.func
    call = getattr(type(function), "__call__", None)  # noqa: B004 - objects with an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _positional(function: Function) -> int:
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return len(kinds) + 16
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(kind in named for kind in kinds)
