"""Telling the coordinator what the application has counted.

Belongs here: when that is. Not here: what is counted (`immutant.counting`), and the way there
(`immutant.serve.http_link`).
"""

import asyncio
import contextlib
from typing import Final, Protocol, Self

from immutant.clock import Clock
from immutant.counting import Series, Tally
from immutant.errors import ImmutantError

__all__ = ["Reporting"]

_PERIOD: Final = 2.0
"""Seconds; Prometheus asks every 15 or 30, so what it sees is hardly older than it thinks."""

_LAST: Final = 1.0
"""Seconds that the last report may take: the application ends, and nobody waits for counts."""


class _Teller(Protocol):
    async def tell(self, series: tuple[Series, ...]) -> None: ...


class Reporting:
    """Tells a tally every two seconds while the context is open, and once more at its end.

    A coordinator that does not answer, or is too old to know the call, is told the next time: the
    values are those so far, so that nothing is lost by that.
    """

    def __init__(self, tally: Tally, link: _Teller, clock: Clock) -> None:
        self._tally = tally
        self._link = link
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tell_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await self._tell()

    async def _tell_on(self) -> None:
        while True:
            await self._tell()
            await self._clock.sleep(_PERIOD)

    async def _tell(self) -> None:
        with contextlib.suppress(ImmutantError):
            await self._link.tell(self._tally.series())
