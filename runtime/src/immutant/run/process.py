"""One life of one child process.

Belongs here: starting it, passing on its output, waiting for and ending it. Not here: whether it is
to be started again.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from immutant.run.lines import LineCutter
from immutant.run.log import Log

__all__ = ["Process", "Program"]

_CHUNK = 64 * 1024
_LAST_OUTPUT = 1.0
"""Seconds to wait for the end of the output of a process that has died."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to start.

    Attributes:
        title: What it is, to the user, e.g. "the application of demo-0".
        replica: The name before its lines in the log.
        environment: Variables beside the launcher's own.
        inherited: File descriptors that it inherits beside its standard ones.
    """

    title: str
    replica: str
    command: Sequence[str]
    environment: Mapping[str, str]
    inherited: Sequence[int] = ()


class Process:
    """A running child, in a session of its own, so that Ctrl-C reaches only the launcher."""

    def __init__(self, process: asyncio.subprocess.Process, pump: asyncio.Task[None]) -> None:
        self._process = process
        self._pump = pump

    @classmethod
    async def start(cls, program: Program, log: Log) -> Self:
        """Start the program, its output going to the log line by line.

        Raises:
            OSError: The system cannot start a process now.
        """
        # A pipe of our own: a process that the child leaves behind may keep it open, and asyncio
        # would then not tell that the child has ended.
        read, write = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=write,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **program.environment},
                pass_fds=program.inherited,
                start_new_session=True,
            )
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        return cls(process, asyncio.create_task(_pass_on(read, program.replica, log)))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for the end; the exit code, or minus the signal's number.

        What the process left running in its session is killed.
        """
        code = await self._process.wait()
        self.kill()
        await asyncio.wait([self._pump], timeout=_LAST_OUTPUT)
        self._pump.cancel()
        return code

    def terminate(self) -> None:
        """Ask the process to finish."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM when all are zombies
            os.killpg(self._process.pid, signal.SIGKILL)


async def _pass_on(read: int, name: str, log: Log) -> None:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read, "rb", 0)
    )
    cutter = LineCutter()
    try:
        while data := await reader.read(_CHUNK):
            for line in cutter.feed(data):
                log.line(name, line)
    finally:
        for line in cutter.finish():
            log.line(name, line)
        transport.close()
