"""The prompt over its connection, without a terminal."""

import asyncio
import json
import socket
import sys
import types
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from immutant import App, testing
from immutant.clock import SystemClock
from immutant.console.prompt import Prompt, names_of
from immutant.console.requests import LONGEST
from immutant.console.running import Run
from immutant.console.server import Console
from immutant.console.session import Outbox, Session

app = App("shop")
plain = app.cache("plain")
MODULE = types.ModuleType("shop")
MODULE.__dict__.update({"plain": plain, "shelf": ["full"]})


class Line:
    """A connection that holds a prompt."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.printed = ""

    def send(self, **message: Any) -> None:
        self.writer.write(json.dumps(message).encode() + b"\n")

    async def until(self, what: str) -> Any:
        """The next message of this kind; what is printed before it is kept."""
        async with asyncio.timeout(20):
            while line := await self.reader.readline():
                message = json.loads(line)
                if what in message:
                    return message[what]
                self.printed += message.get("print", "")
        return None

    async def does(self, line: str) -> str:
        self.printed = ""
        self.send(line=line)
        assert await self.until("prompt") == ">>> "
        return self.printed


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_unix_connection(str(path), limit=LONGEST)
    line = Line(reader, writer)
    line.send(verb="repl")
    assert "shop on shop-0" in (await line.until("ok"))["banner"]
    assert await line.until("prompt") == ">>> "
    try:
        yield line
    finally:
        writer.close()


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    async with testing.cluster(app):
        console = Console(app, "shop-0", SystemClock(), names=partial(names_of, app, MODULE))
        console.open(tmp_path / "console.sock")
        yield tmp_path / "console.sock"
        await console.close()


async def test_names_are_the_modules_and_what_is_assigned_is_the_prompts(path: Path) -> None:
    async with connected(path) as line:
        assert await line.does("shelf") == "['full']\n"
        await line.does("shelf = 5")
        assert await line.does("shelf, app.name") == "(5, 'shop')\n"
    assert MODULE.__dict__["shelf"] == ["full"]


async def test_an_input_of_several_lines_is_asked_for_and_can_be_forgotten(path: Path) -> None:
    async with connected(path) as line:
        line.send(line="async def twice(number):")
        assert await line.until("prompt") == "... "
        line.send(line="    return 2 * number")
        assert await line.until("prompt") == "... "
        await line.does("")
        assert await line.does("await twice(21)") == "42\n"
        line.send(line="if True:")
        assert await line.until("prompt") == "... "
        line.send(drop=True)
        assert await line.until("prompt") == ">>> "
        assert await line.does("1") == "1\n"


async def test_an_awaiting_input_runs_on_the_applications_loop_and_any_other_beside_it(
    path: Path,
) -> None:
    async with connected(path) as line:
        await line.does("import threading")
        name = "threading.current_thread().name"
        assert await line.does(f"await asyncio.sleep(0, {name})") == "'MainThread'\n"
        assert await line.does(name) == "'immutant-repl'\n"


async def test_a_task_that_was_begun_there_prints_there(path: Path) -> None:
    async with connected(path) as line:
        line.send(line="async def later(): print('from a task')")
        assert await line.until("prompt") == "... "
        await line.does("")
        line.send(line="await asyncio.create_task(later())")
        await line.until("prompt")
        assert "from a task\n" in line.printed


async def test_words_are_completed_from_the_prompts_own_names(path: Path) -> None:
    async with connected(path) as line:
        line.send(complete="plain.get_m")
        assert await line.until("completions") == ["plain.get_many("]
        line.send(complete="__sho")
        assert await line.until("completions") == []


async def test_much_output_is_not_lost_and_waits_for_a_slow_terminal(path: Path) -> None:
    async with connected(path) as line:
        line.send(line="for number in range(30_000): print(number, 'x' * 100)")
        assert await line.until("prompt") == "... "
        line.send(line="")
        await asyncio.sleep(0.5)  # it prints, and nobody reads
        line.printed = ""
        assert await line.until("prompt") == ">>> "
        lines = line.printed.splitlines()
        assert [int(one.split()[0]) for one in lines] == list(range(30_000))


async def test_a_second_interrupt_gives_the_prompt_back_whatever_goes_on(path: Path) -> None:
    async with connected(path) as line:
        await line.does("import threading; go = threading.Event()")
        line.send(line="go.wait(20)")  # in C: no interrupt reaches it
        line.send(interrupt=True)
        line.send(interrupt=True)
        assert await line.until("prompt") == ">>> "
        assert "left to itself" in line.printed
        assert await line.does("go.set()") == ""


async def test_an_interrupt_that_comes_too_late_brings_no_prompt_of_its_own(path: Path) -> None:
    async with connected(path) as line:
        for _ in range(3):
            line.send(interrupt=True)
        assert await line.does("1 + 1") == "2\n"
        assert await line.does("2 + 2") == "4\n"


async def test_who_leaves_interrupts_what_runs(path: Path) -> None:
    async with connected(path) as line:
        line.send(line="print('began'); await asyncio.sleep(60)")
        await line.until("print")
        before = {task for task in asyncio.all_tasks() if "error_of" in repr(task)}
        assert before
    async with asyncio.timeout(10):
        await asyncio.wait(before)


async def test_a_terminal_that_goes_at_the_very_moment_an_input_ends_has_gone() -> None:
    begun = asyncio.Event()

    class Ending(Prompt):
        """Its input ends when the test says so: no real one ends at a given turn of the loop."""

        def feed(self, line: str) -> Run:
            begun.set()
            return run

    class Input:
        def __init__(self) -> None:
            self.outcome: Future[BaseException | None] = Future()

        def interrupt(self) -> None:
            """It has ended."""

    run, usual, reader = Input(), sys.stdout, asyncio.StreamReader()
    ours, terminals = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    outbox = Outbox(writer, 0)
    session = Session(reader, outbox, Ending({}, asyncio.get_running_loop(), outbox.say))
    with terminals, closing(writer):
        holding = asyncio.create_task(session.hold())
        reader.feed_data(b'{"line": "x"}\n')
        await begun.wait()
        run.outcome.set_result(None)
        reader.feed_eof()
        async with asyncio.timeout(5):
            await holding
    assert sys.stdout is usual


async def test_what_was_printed_before_the_end_is_seen(path: Path) -> None:
    async with connected(path) as line:
        line.send(line="print('goodbye'); exit()")
        assert await line.until("end") is True
        assert line.printed == "goodbye\n"


async def test_the_end_of_the_console_ends_the_prompt(tmp_path: Path) -> None:
    async with testing.cluster(app):
        console = Console(app, "shop-0", SystemClock(), names=partial(names_of, app, MODULE))
        console.open(tmp_path / "console.sock")
        async with connected(tmp_path / "console.sock") as line:
            line.send(line="print('began'); await asyncio.sleep(60)")
            await line.until("print")
            async with asyncio.timeout(5):
                await console.close()
                assert await line.until("prompt") is None
