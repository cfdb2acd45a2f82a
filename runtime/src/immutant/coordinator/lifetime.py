"""The life of a coordinator's process, from its servers' start to its exit status.

Belongs here: what the coordinator of a laptop and the sidecar of a pod do alike. Not here: which
store, what is beside it.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from immutant.coordinator.driver import Driver
from immutant.processes import EX_SOFTWARE

__all__ = ["live"]

_DRAIN_GRACE = 1.0
"""The application has drained before; what it still holds is given up soon."""


async def live(
    driver: Driver,
    beside: Iterable[AbstractAsyncContextManager[object]],
    end: asyncio.Event,
    failed: asyncio.Event,
) -> int:
    """Run until told to end; then hand over what is held.

    Args:
        driver: The coordinator.
        beside: What is open while it lives: what answers, and what tells others.
        end: Set when the process is to end.
        failed: Set when a programming error stopped the driver.

    Returns:
        The exit status.
    """
    driver.start()
    async with AsyncExitStack() as stack:
        for one in beside:
            await stack.enter_async_context(one)
        await asyncio.wait(
            {asyncio.ensure_future(end.wait()), asyncio.ensure_future(failed.wait())},
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not failed.is_set():
            await driver.retire("the coordinator is stopping", _DRAIN_GRACE)
    await driver.close()
    return EX_SOFTWARE if failed.is_set() else os.EX_OK
