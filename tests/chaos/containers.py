"""Containers of a pod, as bare processes that are started again when they die.

Belongs here: what the kubelet and the kernel do. Not here: which programs, and why they die.
"""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.processes import children

__all__ = ["Container"]

RESTART = 0.5
"""Seconds until a dead container is started again; a kubelet needs about as long."""


class Container:
    """One program, kept running until it is closed."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], log: Path, group: int
    ) -> None:
        """Make one that does not run yet.

        Args:
            command: The program.
            environ: Its environment.
            log: What it prints.
            group: The process group that it and all it forks belong to.
        """
        self._command = command
        self._environ = environ
        self._log = log
        self._group = group
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep)

    def start(self) -> None:
        """Start it, and again whenever it has died."""
        self._spawn()
        self._keeper.start()

    def processes(self) -> list[int]:
        """The process ids of it and of what it has forked."""
        process = self._process
        if process is None or process.poll() is not None:
            return []
        return [process.pid, *children(process.pid)]

    def close(self) -> None:
        """End it for good."""
        self._closing.set()
        while self._keeper.is_alive():  # it may have been about to start it again
            send(self.processes(), signal.SIGKILL)
            self._keeper.join(RESTART / 5)

    def said(self) -> str:
        """The end of what it printed."""
        return self._log.read_text()[-3000:] if self._log.exists() else ""

    def _spawn(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._group,
            )

    def _keep(self) -> None:
        while self._process is not None:
            self._process.wait()
            if self._closing.wait(RESTART):
                return
            self._spawn()


def send(processes: Sequence[int], number: signal.Signals) -> None:
    """Send a signal to all of them, as nearly at once as can be."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
