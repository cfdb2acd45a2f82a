"""One watch of the API server: its lines as changes, and the suspicion that it hangs.

Belongs here: reading one stream. Not here: when a watch is begun again (`leases`).

A connection that died without a word looks like one on which nothing happens. Whoever writes need
not wait for a time limit to find out: its own writes must come by (rule 2 counts on that too).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from immutant.errors import StoreError
from immutant.kube.records import version_of

__all__ = ["WatchStream"]


class WatchStream:
    """A stream of events; give it its own writes to expect.

    Attributes:
        reached: The version up to which every change has been shown.
    """

    def __init__(self, lines: aiohttp.StreamReader, since: int, patience: float) -> None:
        """Read a stream.

        Args:
            lines: The stream.
            since: The version from which it was asked for.
            patience: Seconds in which a write must come by.
        """
        self.reached = since
        self._lines = lines
        self._patience = patience
        self._overdue = 0
        self._bound: asyncio.Timeout | None = None

    def expect(self, version: int) -> None:
        """A write with this version has landed: the stream must show it soon."""
        if version > self.reached:
            asyncio.get_running_loop().call_later(self._patience, self._check, version)

    async def events(self) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """The type and the object of each event, bookmarks included, until the stream ends.

        Raises:
            StoreError: It hangs, goes back in time, or the server gave it up.
        """
        while line := await self._line():
            try:
                event = json.loads(line)
                kind, found = event["type"], event["object"]
            except (ValueError, KeyError, TypeError) as error:
                raise StoreError(f"this is no event of a watch: {line[:80]!r}") from error
            if kind == "ERROR":
                raise StoreError(f"the API server ended the watch: {found.get('message', '')}")
            version = version_of(found)
            if version < self.reached:
                raise StoreError(f"the watch went back from version {self.reached} to {version}")
            self.reached = version
            yield kind, found

    async def _line(self) -> bytes:
        try:
            async with asyncio.timeout(0 if self._overdue > self.reached else None) as self._bound:
                return await self._lines.readline()
        except TimeoutError as error:
            if self._overdue > self.reached:
                raise StoreError("the watch hangs: it does not show one's own writes") from error
            raise
        except ValueError as error:
            raise StoreError(f"an event of the watch is too long: {error}") from error
        finally:
            self._bound = None

    def _check(self, version: int) -> None:
        if version > self.reached:
            self._overdue = version
            if self._bound is not None:
                self._bound.reschedule(asyncio.get_running_loop().time())
