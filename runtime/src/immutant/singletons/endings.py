"""Waiting for ends: for the first, or for all, where none must be missed."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

__all__ = ["first_of", "see_ended"]


async def see_ended(work: Iterable["asyncio.Future[Any]"]) -> None:
    """Return once all of it has ended, however often this task is cancelled meanwhile.

    To be cancelled is no reason to say that something has stopped which goes on. How it ended is
    the caller's to ask; asyncio is not to complain of errors that nobody asks for.
    """
    ending, cancelled = set(work), False
    for one in ending:
        one.add_done_callback(_take_note)
    while ending := {one for one in ending if not one.done()}:
        try:
            await asyncio.wait(ending)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


def _take_note(ended: "asyncio.Future[Any]") -> None:
    if not ended.cancelled():
        ended.exception()


async def first_of(*waits: Awaitable[object]) -> None:
    """Return once one of them has, and let go of the others."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
