"""Waiting for an end that must not be missed."""

import asyncio
from collections.abc import Iterable
from typing import Any

__all__ = ["see_ended"]


async def see_ended(work: Iterable["asyncio.Future[Any]"]) -> None:
    """Return once all of it has ended, however often this task is cancelled meanwhile.

    To be cancelled is no reason to say that something has stopped which goes on.
    """
    ending, cancelled = set(work), False
    while ending := {one for one in ending if not one.done()}:
        try:
            await asyncio.wait(ending)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
