"""Why and how the run ends.

Belongs here: signals and the one decision to end. Not here: what is done then.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["KILLED", "Ending"]

KILLED = 130
"""The exit code after a second Ctrl-C, as shells have it."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """The decision that the run is to end, taken once, by whoever comes first."""

    def __init__(self) -> None:
        self._decided = asyncio.Event()
        self._code = os.EX_OK
        self._interrupts = 0

    @property
    def code(self) -> int:
        """The exit code."""
        return KILLED if self._interrupts > 1 else self._code

    def decide(self, code: int = os.EX_OK) -> None:
        """Let the run end; later decisions change nothing."""
        if not self._decided.is_set():
            self._code = code
            self._decided.set()

    async def wait(self) -> None:
        """Return once it is decided."""
        await self._decided.wait()

    @contextmanager
    def on_signals(self, gently: Callable[[], None], at_once: Callable[[], None]) -> Iterator[None]:
        """Let SIGINT, SIGTERM and SIGHUP decide it while the context is open.

        Args:
            gently: Called at the first of these signals.
            at_once: Called at the second and each later one.
        """

        def interrupted() -> None:
            self._interrupts += 1
            self.decide()
            (gently if self._interrupts == 1 else at_once)()

        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, interrupted)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
