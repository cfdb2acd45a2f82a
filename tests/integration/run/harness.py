"""`immutant run` with stand-in programs, for the launcher's tests."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from immutant.run.client import ask

LAUNCH = Path(__file__).parent / "programs" / "launch.py"
PATIENCE = 30.0


class Run:
    """A launcher in a process of its own, and what it has said so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.version = folder / "version"
        self.lines: list[str] = []
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None
        self._said = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self._over = False

    @asynccontextmanager
    async def started(self, version: str = "v1", **options: Any) -> AsyncIterator["Run"]:
        """Run while the context is open; whatever is left at its end is killed."""
        self.lines, self._over = [], False
        self.version.write_text(version)
        (self.folder / "app.py").touch()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(LAUNCH), str(self.version), str(self.state), "0"),
            json.dumps({"reload": False, "grace": 3, **options}),
            stdout=asyncio.subprocess.PIPE,
        )
        self._reader = asyncio.create_task(self._read())
        try:
            self.url = (await self.says(r"behind (\S+);"))[1]
            yield self
        finally:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            await self._reader

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send the launcher a signal."""
        os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait for the launcher's end and its last line; the exit code."""
        assert self._process is not None
        assert self._reader is not None
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
            await self._reader
        return code

    async def says(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Wait until so many lines match; the last match."""

        def found() -> list[re.Match[str]]:
            return [match for line in self.lines if (match := re.search(pattern, line))]

        async with asyncio.timeout(PATIENCE), self._said:
            await self._said.wait_for(lambda: len(found()) >= times or self._over)
        assert len(found()) >= times, f"it ended without saying {pattern!r}: {self.lines}"
        return found()[-1]

    async def ask(self, verb: str, **arguments: str | int) -> Any:
        """Send a control command."""
        return await asyncio.to_thread(ask, self.state, verb, **arguments)

    async def gears(self) -> dict[str, dict[str, Any]]:
        """The replicas by name."""
        return {gear["name"]: gear for gear in await self.ask("gears")}

    async def all_up(self, count: int) -> dict[str, dict[str, Any]]:
        """Wait until so many replicas are up, coordinators too; the replicas by name."""
        async with asyncio.timeout(PATIENCE):
            while True:
                gears = await self.gears()
                up = [
                    gear
                    for gear in gears.values()
                    if gear["web"] and gear["singletons"] is not None
                ]
                if len(up) == count:
                    return gears
                await asyncio.sleep(0.05)  # in another process: there is no event to await

    async def curl(self, path: str = "/x") -> dict[str, Any]:
        """One request without cookies; what the stand-in answered."""
        async with httpx.AsyncClient(base_url=self.url, timeout=PATIENCE) as client:
            answer = await client.get(path)
            assert answer.status_code == 200, answer.text
            seen: dict[str, Any] = answer.json()
            return seen

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        while not self._over:
            line = await self._process.stdout.readline()
            async with self._said:
                self._over = not line
                self.lines += line.decode().splitlines()
                self._said.notify_all()


async def gone(pid: int) -> None:
    """Wait until a process, which need not be our child, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
