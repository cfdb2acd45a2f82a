import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from immutant.run.keeper import Keeper
from immutant.run.log import Log
from immutant.run.process import Program


class StandingClock:
    """Time stands still but for `sleep`, which returns at once and is remembered."""

    def __init__(self) -> None:
        self.slept: asyncio.Queue[float] = asyncio.Queue()
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.put_nowait(seconds)
        await asyncio.sleep(0)


class Bench:
    """A keeper of a Python one-liner, with its clock and its log."""

    def __init__(self, code: str, folder: Path) -> None:
        self.clock = StandingClock()
        self.refused = asyncio.Event()
        self.file = folder / "log"
        self._out = os.open(self.file, os.O_WRONLY | os.O_CREAT)
        self.log = Log(self._out)
        program = Program("the program", "demo-0", (sys.executable, "-c", code), {})
        self.keeper = Keeper(
            program, self.log, on_refusal=self.refused.set, clock=self.clock, random=Random(1)
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it while the context is open."""
        self.keeper.start()
        try:
            async with asyncio.timeout(30):
                yield
        finally:
            await self.keeper.stop(5)
            self.log.close()
            os.close(self._out)


async def test_a_program_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    bench = Bench("raise SystemExit(3)", tmp_path)
    async with bench.running():
        waits = [await bench.clock.slept.get() for _ in range(5)]
    assert waits[0] == 0
    for number, wait in enumerate(waits[1:]):
        assert 0.125 * 2**number <= wait <= 0.25 * 2**number
    assert "the program ended with code 3; it is started again now" in bench.file.read_text()


async def test_a_program_that_cannot_run_as_configured_is_left_alone(tmp_path: Path) -> None:
    bench = Bench("print('mend this'); raise SystemExit(78)", tmp_path)
    async with bench.running():
        await bench.refused.wait()
        assert bench.keeper.phase == "failed"
        assert bench.keeper.restarts == 0
    assert bench.file.read_text() == "demo-0 | mend this\n"


async def test_what_a_program_said_last_is_not_lost(tmp_path: Path) -> None:
    bench = Bench("for n in range(20000): print(n)\nprint('the end', end='')", tmp_path)
    async with bench.running():
        await bench.clock.slept.get()
    lines = [line for line in bench.file.read_text().splitlines() if line.startswith("demo-0")]
    assert lines[:20001] == [*(f"demo-0 | {n}" for n in range(20000)), "demo-0 | the end"]


async def test_what_a_dead_program_left_running_is_ended(tmp_path: Path) -> None:
    read, write = os.pipe()
    code = f"import subprocess, sys; subprocess.Popen(['sleep', '600'], pass_fds=[{write}])"
    bench = Bench(code, tmp_path)
    bench.keeper.program = Program("the program", "x", bench.keeper.program.command, {}, [write])
    async with bench.running():
        await bench.clock.slept.get()
    os.close(write)
    with os.fdopen(read, "rb") as lifetime:
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(lifetime.read) == b""  # nobody holds the other end


async def test_stopping_between_two_lives_ends_it(tmp_path: Path) -> None:
    bench = Bench("raise SystemExit(1)", tmp_path)
    forever = asyncio.Event()

    async def wait(seconds: float) -> None:
        bench.clock.slept.put_nowait(seconds)
        await forever.wait()

    bench.clock.sleep = wait  # type: ignore[method-assign]
    async with bench.running():
        await bench.clock.slept.get()
        assert bench.keeper.phase == "waiting"
        await bench.keeper.stop(5)
        assert (bench.keeper.phase, bench.keeper.pid) == ("stopped", None)


@pytest.mark.parametrize("times", [1, 2])
async def test_stopping_is_idempotent(tmp_path: Path, times: int) -> None:
    bench = Bench("import signal; print('up', flush=True); signal.pause()", tmp_path)
    async with bench.running():
        for _ in range(times):
            await bench.keeper.stop(5)
        assert bench.keeper.phase == "stopped"
