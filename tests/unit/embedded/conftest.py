"""Replicas in processes of their own, which end with the test."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from immutant.embedded import EmbeddedBackend

PROGRAM = Path(__file__).parent / "programs" / "replica.py"


class Replica:
    """A process that runs `programs/replica.py`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def says(self) -> str:
        """The next line it says; "" at its end."""
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            return (await self._process.stdout.readline()).decode().strip()

    async def kill(self, signal: int = signal.SIGKILL) -> None:
        self._process.send_signal(signal)
        await self._process.wait()

    async def ended(self) -> int:
        """Its exit status, once it has ended."""
        async with asyncio.timeout(20):
            return await self._process.wait()

    async def heard(self) -> list[str]:
        """All the lines that nobody has read."""
        assert self._process.stdout is not None
        return (await self._process.stdout.read()).decode().splitlines()

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()


Launch = Callable[[str, str], Awaitable[Replica]]


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    replicas: list[Replica] = []

    async def start(name: str, role: str) -> Replica:
        process = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, tmp_path, name, role, stdout=asyncio.subprocess.PIPE
        )
        replicas.append(Replica(process))
        return replicas[-1]

    yield start
    for replica in replicas:
        await replica.end()


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[EmbeddedBackend]:
    """A coordinator's connection to the store that launched replicas use."""
    backend = await EmbeddedBackend.open(tmp_path, replica="here", watch_peers=True)
    yield backend
    await backend.close()
