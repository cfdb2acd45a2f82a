"""A prompt's other end: keys, lines, history, completion.

Belongs here: what happens in the terminal. Not here: Python, which runs in the application.
"""

import contextlib
import json
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import BinaryIO

from immutant.console.client import PATIENCE, connected, read_answer
from immutant.console.requests import Json
from immutant.errors import ConsoleError

__all__ = ["converse"]

try:
    import readline as _readline
except ImportError:  # a Python built without it
    readline: ModuleType | None = None
else:
    readline = _readline


def converse(path: Path) -> None:
    """Hold a session with the application at this socket, until either ends it.

    Raises:
        ConsoleError: It refuses, or does not run.
    """
    with connected(path, PATIENCE) as connection, connection.makefile("rb") as lines:
        terminal = _Terminal(connection, lines)
        banner = terminal.begin()
        connection.settimeout(None)
        if sys.stdin.isatty():
            _print(banner + "\n")
            _complete_by(terminal)
        with _interrupts_to(terminal):
            terminal.hold()


class _Terminal:
    def __init__(self, connection: socket.socket, lines: BinaryIO) -> None:
        self._connection = connection
        self._lines = lines
        self._found: list[str] = []
        self.is_waiting = False
        self.is_reading = False
        self._is_over = False

    def begin(self) -> str:
        """Ask for a prompt; its greeting."""
        try:
            self.send({"verb": "repl"})
            return str(read_answer(self._lines.readline())["banner"])
        except OSError as error:
            raise ConsoleError("the application does not answer; it may be stopped") from error

    def send(self, message: Json) -> None:
        """Send a message; that nobody hears it any more is seen when the next one is awaited."""
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def hold(self) -> None:
        """Send what is typed at each prompt, until the session is over."""
        while (prompt := self._wanted("prompt")) is not None:
            if (typed := self._read(str(prompt))) is None:
                return
            self.send(typed)
        if not self._is_over:
            _print("\nthe application has ended, and this prompt with it\n")

    def _read(self, prompt: str) -> Json | None:
        """What is typed at this prompt; None: the end."""
        try:
            return {"line": self._typed(prompt)}
        except EOFError:
            if sys.stdin.isatty():
                _print("\n")
            return None
        except KeyboardInterrupt:
            _print("\nKeyboardInterrupt\n")
            return {"drop": True}

    def _typed(self, prompt: str) -> str:
        self.is_reading = True
        try:
            return input(prompt if sys.stdin.isatty() else "")
        finally:
            self.is_reading = False

    def complete(self, word: str, state: int) -> str | None:
        """As readline asks for it."""
        if state == 0:
            if not word.strip():
                return "    "
            self.send({"complete": word})
            found = self._wanted("completions")
            self._found = [str(one) for one in found] if isinstance(found, list) else []
        return self._found[state] if state < len(self._found) else None

    def _wanted(self, what: str) -> object:
        """The next message of this kind; what is printed before it is printed. None: it is over."""
        self.is_waiting = True
        try:
            while line := self._lines.readline():
                message = json.loads(line)
                if what in message:
                    return message[what]
                self._is_over = self._is_over or "end" in message
                _print(str(message.get("print", "")))
        except OSError:
            return None
        else:
            return None
        finally:
            self.is_waiting = False


@contextmanager
def _interrupts_to(terminal: _Terminal) -> Iterator[None]:
    """Ctrl-C while something runs there is sent there; at the prompt it is Python's as ever.

    It must not be raised while a line is being read from there: what was read of it would be lost.
    Nor twice for one prompt, or between a prompt and what follows it: it would end this program.
    """

    def interrupted(number: int, frame: FrameType | None) -> None:
        if terminal.is_waiting:
            terminal.send({"interrupt": True})
        elif terminal.is_reading:
            terminal.is_reading = False
            raise KeyboardInterrupt

    usual = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)


def _complete_by(terminal: _Terminal) -> None:
    if readline is not None:
        readline.set_completer(terminal.complete)
        readline.parse_and_bind("tab: complete")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
