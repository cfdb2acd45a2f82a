"""Reload on change.

Belongs here: watching the application's folder, and the check that comes before anything running is
touched. Not here: how replicas are replaced.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from immutant.run.fleet import Fleet
from immutant.run.log import Log

__all__ = ["Reloader"]

_CHECK_TIMEOUT = 60.0


class Reloader:
    """Replaces the replicas when a Python file of the application changes."""

    def __init__(self, folder: Path, check: Sequence[str], fleet: Fleet, log: Log) -> None:
        """Prepare to watch.

        Args:
            folder: Where the application's source lies.
            check: The command that tells whether the application can be imported.
            fleet: What is to be replaced.
            log: Where what happens is told.
        """
        self._folder = folder
        self._check = check
        self._fleet = fleet
        self._log = log

    async def run(self) -> None:
        """Watch until cancelled."""
        from watchfiles import PythonFilter, awatch  # only now: replicas start first

        try:
            async for changes in awatch(self._folder, watch_filter=PythonFilter()):
                await self._reload(sorted(Path(path).name for _, path in changes))
        except (OSError, RuntimeError) as error:  # e.g. the system's limit on watches
            self._log.say(f"{self._folder} cannot be watched, so changes do not reload: {error}")

    async def _reload(self, names: list[str]) -> None:
        what = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        self._log.say(f"{what} changed")
        if await self._is_sound():
            self._log.say(await self._fleet.roll())
        else:
            self._log.say("the replicas go on with the code they have")

    async def _is_sound(self) -> bool:
        process = await asyncio.create_subprocess_exec(
            *self._check,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT):
                _, complaint = await process.communicate()
        except TimeoutError:
            complaint = f"importing it takes more than {_CHECK_TIMEOUT:g} s".encode()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        self._log.say(complaint.decode(errors="replace").removeprefix("immutant: "))
        return process.returncode == os.EX_OK
