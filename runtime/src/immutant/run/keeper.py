"""Keeping one program running, as a container runtime does.

Belongs here: when a program that ended is started again, and what its end means. Not here: what
programs there are.
"""

import asyncio
import os
import signal
from collections.abc import Callable
from random import Random
from typing import Literal

from immutant.backoff import Backoff
from immutant.clock import Clock, SystemClock
from immutant.run.log import Log
from immutant.run.process import Process, Program

__all__ = ["Keeper", "Phase"]

Phase = Literal["stopped", "running", "waiting", "stopping", "failed"]

_BACKOFF = Backoff(first=0.25, most=10.0)
_HEALTHY_AFTER = 10.0
"""Seconds of life after which earlier failures are forgotten."""


class Keeper:
    """Runs a program and starts it again when it dies: at once, then with growing waits.

    Exit code 78 (EX_CONFIG) is final: the program has said what is wrong, and starting it again
    would not help.

    Attributes:
        phase: What it is about. `waiting`: it has died and will be started again.
        restarts: How often it was started again.
    """

    def __init__(
        self,
        program: Program,
        log: Log,
        *,
        on_refusal: Callable[[], None] = lambda: None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        """Prepare to keep the program running.

        Args:
            program: What to run.
            log: Where its lines go.
            on_refusal: Called once it has ended with code 78.
            clock: Measures lives and waits.
            random: Spreads the waits.
        """
        self.program = program
        self.phase: Phase = "stopped"
        self.restarts = 0
        self._log = log
        self._on_refusal = on_refusal
        self._clock = clock or SystemClock()
        self._random = random or Random()  # noqa: S311 - it only spreads restarts
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the running process, if one runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin to keep the program running; nothing if it is being kept already."""
        if self._task is None or self._task.done():
            self.phase = "running"
            self._task = asyncio.create_task(self._keep())

    async def stop(self, grace: float) -> None:
        """Ask the program to finish, and kill it when it has not after `grace` seconds."""
        if self._task is None or self._task.done():
            self.phase = "stopped"
            return
        self.phase = "stopping"
        if self._process is None:  # between two lives
            self._task.cancel()
        else:
            self._process.terminate()
        await self._finish(grace)
        self.phase = "stopped"

    def kill(self) -> None:
        """End the program at once and for good."""
        self.phase = "stopping"
        if self._process is not None:
            self._process.kill()
        elif self._task is not None:
            self._task.cancel()

    async def _finish(self, grace: float) -> None:
        assert self._task is not None
        done, _ = await asyncio.wait([self._task], timeout=grace)
        if not done:
            self._log.say(f"{self.program.title} has not ended after {grace:g} s and is killed")
            self.kill()
            await asyncio.wait([self._task])

    async def _keep(self) -> None:
        failures = 0
        while True:
            began = self._clock.now()
            code = await self._live()
            if self.phase == "stopping":
                return
            if code == os.EX_CONFIG:
                self.phase = "failed"
                self._on_refusal()
                return
            failures = 1 if self._clock.now() - began >= _HEALTHY_AFTER else failures + 1
            await self._wait(failures, code)
            self.phase = "running"
            self.restarts += 1

    async def _live(self) -> int:
        try:
            self._process = await Process.start(self.program, self._log)
        except OSError as error:
            self._log.say(f"{self.program.title} cannot be started: {error.strerror}")
            return os.EX_OSERR
        try:
            return await self._process.wait()
        finally:
            self._process = None

    async def _wait(self, failures: int, code: int) -> None:
        delay = _BACKOFF.delay(failures - 1, self._random) if failures > 1 else 0.0
        when = f"in {delay:.1f} s" if delay else "now"
        self._log.say(f"{self.program.title} {_describe(code)}; it is started again {when}")
        self.phase = "waiting"
        await self._clock.sleep(delay)


def _describe(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has no name
        return f"was ended by signal {-code}"
