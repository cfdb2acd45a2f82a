"""A prompt over a connection.

Belongs here: the lines that go to and fro. From the terminal, at a prompt: {"line": text}, or
{"drop": true} for an input that is given up; {"complete": word}; while something runs
{"interrupt": true}. To it: {"print": text}, {"prompt": text} when the next line is wanted,
{"completions": [words]}, {"end": true}. Not here: Python (`immutant.console.prompt`), keys and
screens (`immutant.console.terminal`).
"""

import asyncio
import contextlib
import json
import threading
from concurrent.futures import Future
from typing import Any, Final

from immutant.console.output import switched
from immutant.console.prompt import ExitPrompt, Prompt
from immutant.console.requests import Json
from immutant.console.running import Run

__all__ = ["Outbox", "Session"]

_UNREAD: Final = 1 << 20
"""Characters that may wait for a terminal that does not keep up."""

_COMPLETION: Final = 2.0
"""Seconds; attributes may be properties, which are the user's code."""

_LAST_WORDS: Final = 1.0
"""Seconds for what was printed before the end."""

_AHEAD: Final = 64
"""Lines that are read ahead."""


class Outbox:
    """What waits for the terminal; made in the console's thread."""

    def __init__(self, writer: asyncio.StreamWriter, loop_thread: int) -> None:
        """Make an outbox.

        Args:
            writer: To the terminal.
            loop_thread: The thread of the application's loop, which must not wait for a terminal.
        """
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._impatient = {loop_thread, threading.get_ident()}
        self._messages: asyncio.Queue[Json] = asyncio.Queue()
        self._room = threading.Condition()
        self._said: list[str] = []
        self._unread = 0
        self._is_closed = False

    def send(self, message: Json) -> None:
        """Send a message, after all that was printed before; in the console's thread."""
        self._flush()
        self._messages.put_nowait(message)

    def say(self, text: str) -> None:
        """Print, from any thread. It waits for a slow terminal; the loops' threads leave out."""
        with self._room:
            if threading.get_ident() not in self._impatient:
                self._room.wait_for(lambda: self._is_closed or self._unread < _UNREAD)
            if self._is_closed or self._unread >= 2 * _UNREAD:
                return
            self._unread += len(text)
            self._said.append(text)
            is_first = len(self._said) == 1
        if is_first:
            self._loop.call_soon_threadsafe(self._flush)

    async def pump(self) -> None:
        """Send what there is to be sent, until cancelled or the terminal has gone."""
        while True:
            message = await self._messages.get()
            self._writer.write(json.dumps(message).encode() + b"\n")
            await self._writer.drain()
            self._messages.task_done()
            with self._room:
                self._unread -= len(message.get("print", ""))
                self._room.notify_all()

    async def drained(self) -> None:
        """Return once all is sent, or the terminal does not take it."""
        self._flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await self._messages.join()

    def _flush(self) -> None:
        with self._room:
            text = "".join(self._said)
            self._said.clear()
        if text:
            self._messages.put_nowait({"print": text})

    def close(self) -> None:
        """Let go of whoever waits to print."""
        with self._room:
            self._is_closed = True
            self._room.notify_all()


class Session:
    """One connection's prompt."""

    def __init__(self, reader: asyncio.StreamReader, outbox: Outbox, prompt: Prompt) -> None:
        self._reader = reader
        self._outbox = outbox
        self._prompt = prompt
        self._lines: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
        self._run: Run | None = None

    async def hold(self) -> None:
        """Converse until the terminal goes, or `exit()`; what runs then is interrupted."""
        pumps = [asyncio.create_task(self._outbox.pump()), asyncio.create_task(self._listen())]
        try:
            with switched():
                await self._converse()
            self._outbox.send({"end": True})
            await self._outbox.drained()
        finally:
            self._outbox.close()
            if self._run is not None:
                self._run.interrupt()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                await self._lines.put(line)
        except (OSError, ValueError):  # it has gone, or its line is too long
            pass
        await self._lines.put(b"")

    async def _converse(self) -> None:
        self._outbox.send({"prompt": self._prompt.text})
        while line := await self._lines.get():
            message: Json = json.loads(line)
            if "complete" in message:
                self._outbox.send({"completions": await self._completions(message["complete"])})
                continue
            if "interrupt" in message:
                continue  # what it was meant for has ended, and its prompt is on the way
            if "drop" in message:
                self._prompt.forget()
            elif not await self._feed(str(message.get("line", ""))):
                return
            self._outbox.send({"prompt": self._prompt.text})

    async def _feed(self, line: str) -> bool:
        """Run an input; False when the session is over."""
        self._run = self._prompt.feed(line)
        if self._run is None:
            return True
        try:
            error = await self._ended(self._run)
            self._run = None
            self._prompt.tell(error)
        except (ConnectionError, ExitPrompt):
            return False
        return True

    async def _ended(self, run: Run) -> BaseException | None:
        """Wait for the input's end, and meanwhile hear interrupts.

        Raises:
            ConnectionError: The terminal has gone.
        """
        ended = asyncio.wrap_future(run.outcome)
        interrupts = 0
        while True:
            hearing = asyncio.create_task(self._lines.get())
            both: list[asyncio.Future[Any]] = [ended, hearing]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done() and not hearing.result():  # it is said once, so before all else
                raise ConnectionError("the terminal has gone")
            if ended.done():
                hearing.cancel()
                return ended.result()
            interrupts += 1
            if interrupts > 1:
                self._outbox.say("it does not end, and is left to itself\n")
                return None
            run.interrupt()

    async def _completions(self, word: str) -> list[str]:
        """In a thread: what is completed may be a property, and hang."""
        found: Future[list[str]] = Future()

        def look() -> None:
            try:
                found.set_result(self._prompt.completions(word))
            except Exception:  # whatever a property raises
                found.set_result([])

        threading.Thread(target=look, name="immutant-repl-completion", daemon=True).start()
        try:
            async with asyncio.timeout(_COMPLETION):
                return await asyncio.wrap_future(found)
        except TimeoutError:
            return []
