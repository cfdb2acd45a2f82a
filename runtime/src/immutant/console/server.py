"""The console of a running application: its socket, in a thread of its own.

Belongs here: connections, and which of them is answered where. A thread dump and what is known of
the process are told here, so that they are told while the application's loop hangs. All else is
asked of the loop, within a time limit. Not here: what the verbs do.
"""

import asyncio
import contextlib
import json
import logging
import os
import platform
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from immutant._version import __version__
from immutant.app import App
from immutant.clock import Clock
from immutant.console.address import listening
from immutant.console.loopcalls import LoopHangsError, LoopSlowError, on_loop
from immutant.console.prompt import Prompt
from immutant.console.requests import LONGEST, Json, Request
from immutant.console.session import Outbox, Session
from immutant.console.stacks import stacks
from immutant.console.verbs import VERBS, Verb
from immutant.errors import ConsoleError, ImmutantError
from immutant.wording import worded

__all__ = ["Console"]

_LIMIT: Final = 10.0
"""Seconds within which the application's loop has to answer."""

_FAREWELL: Final = 2.0
"""Seconds for the console's own thread to end; it ends with the process anyway."""

_HANGS: Final = (
    "the application's loop does not answer, and nothing was done; `immutant threaddump {}` shows "
    "where it is"
)
_SLOW: Final = (
    "no answer within {:g} s, so that what was to be changed may be changed or not; look whether "
    "the store answers, and ask again"
)
_OFF: Final = (
    "the prompt is off: it may do whatever the application may; set spec.repl to true in a "
    "cluster, or start `immutant run --repl`"
)

_log = logging.getLogger("immutant.console")


class Console:
    """Answers whoever looks into this replica; made and used on the application's loop."""

    def __init__(
        self,
        app: App,
        replica: str,
        clock: Clock,
        *,
        names: Callable[[], dict[str, Any]] | None = None,
        limit: float = _LIMIT,
    ) -> None:
        """Prepare to answer.

        Args:
            app: What is asked about; it need not run yet.
            replica: This replica's name.
            clock: The machine's clock, or a test's.
            names: What a prompt begins with; None: there is no prompt.
            limit: Seconds within which the loop has to answer.
        """
        self._app = app
        self._replica = replica
        self._clock = clock
        self._names = names
        self._limit = limit
        self._began = clock.now()
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._close: Callable[[], None] = lambda: None

    def open(self, path: Path) -> None:
        """Listen, from now on. Where that cannot be it is said, and the application goes on."""
        try:
            listener = listening(path)
        except OSError as error:
            _log.warning("nobody can look into this replica: %s at %s", error.strerror, path)
            return
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(listener),), name="immutant-console", daemon=True
        )
        self._thread.start()
        self._ready.wait()

    async def close(self) -> None:
        """Answer nothing any more; prompts end, and what runs there is interrupted."""
        self._close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _FAREWELL)

    async def _serve(self, listener: socket.socket) -> None:
        end, own = asyncio.Event(), asyncio.get_running_loop()
        self._close = lambda: _tell(own, end.set)
        self._ready.set()
        server = await asyncio.start_unix_server(self._accept, sock=listener, limit=LONGEST)
        await end.wait()
        server.close()
        # asyncio.run cancels the connections that are left.

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                if await self._converse(line, reader, writer):
                    return
        except (OSError, ValueError, asyncio.CancelledError):
            return  # the other end has gone, or its line is too long, or all is ending
        finally:
            _hang_up(writer)

    async def _converse(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a request; True when that was a prompt, after which there is nothing more."""
        prompt: Session | None = None
        try:
            request = Request.parse(line)
            if request.verb == "repl":
                prompt = self._session(reader, writer)
                answer: Json = {"ok": {"banner": self._banner()}}
            else:
                answer = {"ok": await self._answer(request)}
        except ImmutantError as error:
            answer = {"error": str(error)}
        except Exception as error:
            _log.exception("a request to the console failed")
            answer = {"error": worded(error)}
        writer.write(_line(answer))
        await writer.drain()
        if prompt is not None:
            await prompt.hold()
        return prompt is not None

    async def _answer(self, request: Request) -> object:
        if request.verb == "about":
            return self._about()
        if request.verb == "threaddump":
            return {"text": stacks(self._loop, self._loop_thread)}
        verb = VERBS.get(request.verb)
        if verb is None:
            known = ", ".join(sorted([*VERBS, "about", "repl", "threaddump"]))
            raise ConsoleError(
                f"this replica knows no {request.verb!r}: it runs version {__version__}, which "
                f"answers {known}"
            )
        return await self._ask(verb, request)

    async def _ask(self, verb: Verb, request: Request) -> object:
        """The verb's answer, from the application's loop."""
        try:
            return await on_loop(partial(verb, self._app, request), self._loop, self._limit)
        except LoopSlowError as error:
            raise ConsoleError(_SLOW.format(self._limit)) from error
        except LoopHangsError as error:
            raise ConsoleError(_HANGS.format(self._replica)) from error

    def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Session:
        if self._names is None:
            raise ConsoleError(_OFF)
        outbox = Outbox(writer, self._loop_thread)
        return Session(reader, outbox, Prompt(self._names(), self._loop, outbox.say))

    def _banner(self) -> str:
        return (
            f"{self._app.name} on {self._replica}, Immutant {__version__}, Python "
            f"{platform.python_version()}. This is the running application: what you do is done.\n"
            "Its module's names are here, and app; await works. An input that awaits runs on the "
            "application's loop,\nany other in a thread (there: counters.blocking.get). Ctrl-C "
            "interrupts, Ctrl-D ends."
        )

    def _about(self) -> Json:
        definitions, replica = self._app.definitions, self._app.binding.find()
        state = "running" if replica else "starting or ending"
        return {
            "app": self._app.name,
            "replica": self._replica,
            "state": "draining" if replica is not None and replica.draining else state,
            "version": __version__,
            "python": platform.python_version(),
            "pid": os.getpid(),
            "uptime": round(self._clock.now() - self._began, 3),
            "repl": self._names is not None,
            "threads": threading.active_count(),
            "tasks": len(asyncio.all_tasks(self._loop)),
            "caches": len(definitions.caches),
            "queues": len(definitions.queues),
            "topics": len(definitions.topics),
            "listeners": len(definitions.listeners),
            "daemons": len(definitions.daemons),
            "jobs": len(definitions.jobs),
        }


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # it has ended
        loop.call_soon_threadsafe(function)


def _line(answer: Json) -> bytes:
    line = json.dumps(answer).encode() + b"\n"
    if len(line) < LONGEST:
        return line
    sentence = f"the answer takes {len(line):,} bytes, more than {LONGEST:,}; ask for less (limit)"
    return json.dumps({"error": sentence}).encode() + b"\n"


def _hang_up(writer: asyncio.StreamWriter) -> None:
    """A process that user code forked may hold the connection too: closing alone would not do."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    writer.close()
