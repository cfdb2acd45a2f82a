"""A user's terminal: the command line, a git repository, and what a following command prints.

Belongs here: running `immutant` and `git` as a user does, against the tests' cluster. Not here:
what they are to say.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests import polling

PATIENCE = 300.0
"""Seconds for one command: a push waits for a rollout, pod by pod."""

_SCRIPTS = Path(sys.executable).parent
"""Where git finds the remote helper, as in a user's virtual environment."""

_AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}


def environ() -> dict[str, str]:
    """The environment of the user's programs; git reads no configuration of this machine's."""
    path = os.pathsep.join((str(_SCRIPTS), os.environ["PATH"]))
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "NO_COLOR": "1"}
    return {**os.environ, **_AUTHOR, **quiet, "PATH": path}


def immutant(*arguments: str, folder: Path | None = None, status: int = 0) -> str:
    """What a command printed, errors included; it has to end with this status."""
    return run([sys.executable, "-m", "immutant", *arguments], folder, status)


def run(command: Sequence[str], folder: Path | None = None, status: int = 0) -> str:
    """What a program printed, errors included; it has to end with this status."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env=environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == status, f"{' '.join(command)} -> {ended.returncode}\n{ended.stdout}"
    return ended.stdout


class Repository:
    """A git repository of the user's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, status: int = 0) -> str:
        return run(["git", *arguments], self.folder, status)

    def commit(self, message: str, **files: str) -> None:
        """Write files, and commit all there is."""
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)


class Following:
    """A command that goes on, such as `immutant logs -f`, and the lines that it has printed."""

    def __init__(self, *arguments: str) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "immutant", *arguments],
            env=environ(),
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
