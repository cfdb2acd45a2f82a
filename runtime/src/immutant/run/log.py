"""The merged log: every process's lines, each with its replica's name before it.

Belongs here: prefixes, colours and the thread that writes. Not here: where lines come from. Lines
wait in memory, so that a terminal that is slow or stopped (Ctrl-S) never holds up a replica.
"""

import os
import select
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import cycle

__all__ = ["LAUNCHER", "Log", "wants_colour"]

LAUNCHER = "immutant"
"""The name before the launcher's own lines."""

_COLOURS = (36, 33, 32, 35, 34, 31, 96, 93, 92, 95, 94, 91)
_RESET = b"\x1b[0m"


def wants_colour(out: int, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: NO_COLOR says no, FORCE_COLOR says yes, else only on a terminal."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or os.isatty(out)


class Log:
    """Writes whole lines to a file descriptor, from one thread, in the order in which they came.

    At most `capacity` bytes wait to be written; what comes beyond is counted and the count is
    written in its place.
    """

    def __init__(
        self,
        out: int,
        *,
        colour: bool = False,
        capacity: int = 64 * 1024 * 1024,
        on_broken: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to write.

        Args:
            out: The file descriptor to write to.
            colour: Whether prefixes are coloured.
            capacity: Bytes that may wait.
            on_broken: Called in the writing thread when `out` cannot be written any more, as
                when the reader of a pipe has gone.
        """
        self._out = out
        self._colour = colour
        self._capacity = capacity
        self._on_broken = on_broken
        self._colours = cycle(_COLOURS)
        self._prefixes: dict[str, bytes] = {}
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._skipped = 0
        self._closed = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._write, name="immutant-log", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Write lines of the launcher's own."""
        for line in text.splitlines():
            self.line(LAUNCHER, line.encode())

    def line(self, name: str, text: bytes) -> None:
        """Write one line; returns at once."""
        whole = self._prefix(name) + text + b"\n"
        with self._wake:
            if self._closed:
                return
            if self._bytes + len(whole) > self._capacity:
                self._skipped += 1
                return
            if self._skipped:
                self._waiting.append(self._gap())
            self._waiting.append(whole)
            self._bytes += len(whole)
            self._wake.notify()

    def close(self, patience: float = 5.0) -> None:
        """Write what waits and stop; give up after `patience` seconds without progress."""
        with self._wake:
            if self._skipped:
                self._waiting.append(self._gap())
            self._closed = True
            self._wake.notify()
        left = -1
        while self._thread.is_alive() and left != self._bytes:
            left = self._bytes
            self._thread.join(patience)

    def _prefix(self, name: str) -> bytes:
        if name not in self._prefixes:
            plain = f"{name} | ".encode()
            code = 2 if name == LAUNCHER else next(self._colours)
            self._prefixes[name] = b"\x1b[%dm" % code + plain + _RESET if self._colour else plain
        return self._prefixes[name]

    def _gap(self) -> bytes:
        count, self._skipped = self._skipped, 0
        gap = self._prefix(LAUNCHER) + b"%d lines are missing here: " % count
        gap += b"they came faster than they could be written\n"
        self._bytes += len(gap)
        return gap

    def _write(self) -> None:
        try:
            while batch := self._next_batch():
                self._write_all(b"".join(batch))
                with self._wake:
                    self._bytes -= sum(map(len, batch))
        except OSError:  # the reader of the pipe has gone, or the terminal has
            with self._wake:
                self._closed = True
                self._waiting.clear()
            with suppress(RuntimeError):  # whoever is to be told has just ended
                self._on_broken()

    def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._out, view) :]
            except BlockingIOError:  # another program made the terminal non-blocking
                select.select([], [self._out], [])

    def _next_batch(self) -> list[bytes]:
        """Lines to write in one go, waiting for one; none once the log is closed and empty."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closed)
            count = min(len(self._waiting), 256)
            return [self._waiting.popleft() for _ in range(count)]
