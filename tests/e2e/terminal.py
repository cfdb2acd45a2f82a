"""A user's terminal: the command line, and what a following command prints.

Belongs here: running `immutant` as a user does, against the tests' cluster. Not here: what it is to
say; git (`tests.integration.remote.repository`).
"""

import subprocess
import sys
import threading
from typing import Any, Self

from tests import polling

PATIENCE = 300.0
"""Seconds for one command: a push waits for a rollout, pod by pod."""


def immutant(*arguments: str, status: int = 0) -> str:
    """What a command printed, errors included; it has to end with this status."""
    ended = subprocess.run(
        [sys.executable, "-m", "immutant", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == status, f"{' '.join(arguments)}: {ended.returncode}\n{ended.stdout}"
    return ended.stdout


class Following:
    """A command that goes on, such as `immutant logs -f`, and the lines that it has printed."""

    def __init__(self, *arguments: str) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "immutant", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def until(self, *beginnings: str, patience: float = 60.0) -> None:
        """Wait until there is a line with each of these beginnings."""

        def all_there() -> bool:
            return all(any(line.startswith(one) for line in self.lines) for one in beginnings)

        polling.until(all_there, f"lines that begin with {beginnings}", patience, 0.1)

    def _read(self) -> None:
        stream: Any = self._process.stdout
        with stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
