"""Waiting for tasks on a replaceable clock.

Belongs here: what asyncio's own timeouts, which know the loop's clock alone, cannot do, and how
long a store in trouble is left alone.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, Final, TypeVar

from immutant.backoff import Backoff
from immutant.clock import Clock

__all__ = ["TROUBLE", "cancel_all", "finish_within", "see_through", "together"]

T = TypeVar("T")

TROUBLE: Final = Backoff(first=0.1, most=5.0)
"""Waits while the store does not answer."""


async def finish_within(tasks: Iterable[asyncio.Task[None]], grace: float, clock: Clock) -> None:
    """Let the tasks finish for `grace` seconds, then cancel what still runs and see it end."""
    running = {task for task in tasks if not task.done()}
    alarm = asyncio.ensure_future(clock.sleep(grace))
    try:
        while running and not alarm.done():
            await asyncio.wait({*running, alarm}, return_when=asyncio.FIRST_COMPLETED)
            running = {task for task in running if not task.done()}
    finally:
        alarm.cancel()
        await cancel_all(running)


async def cancel_all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel the tasks and return when all have ended; their errors are theirs."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


async def see_through(work: Coroutine[Any, Any, T]) -> T:
    """Await the work; when cancelled meanwhile, let it end first and only then be cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def together(calls: Iterable[Awaitable[T]]) -> list[T]:
    """Await all of the calls to their end; raise the first error only then."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    results: list[T] = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results
