"""A git repository of a user, and the programs as that user's shell finds them.

Belongs here: commits, pushes and commands as subprocesses. Not here: the cluster.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from tests.e2e.testbed import programs

PATIENCE = 60.0


def on_path(*folders: Path) -> str:
    """A PATH with these folders, and those of the programs that were built, before all others."""
    return os.pathsep.join((*map(str, (*folders, *programs.folders())), os.environ["PATH"]))


class Repository:
    """A repository with a remote `demo`, and a kubeconfig."""

    def __init__(
        self, folder: Path, kubeconfig: Path, namespace: str, patience: float = PATIENCE
    ) -> None:
        self._patience = patience
        self.folder = folder / "repository"
        self.folder.mkdir()
        self.environ = {
            **os.environ,
            "PATH": on_path(Path(sys.executable).parent),  # where git finds the remote helper
            "KUBECONFIG": str(kubeconfig),
            "HOME": str(folder),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }
        self.namespace = namespace
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "demo", f"immutant://{namespace}/demo")

    def write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def commit(self, files: Mapping[str, str], message: str = "Greet") -> str:
        """Commit these files; the commit's name."""
        self.write(files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str, **environ: str) -> str:
        """What git printed; it has to succeed."""
        ended = self.try_git(*arguments, **environ)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def try_git(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=self._patience,
            check=False,
        )

    def push(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Push without waiting for the rollout, main unless something else is named."""
        return self.try_git("push", "demo", *(arguments or ("main",)), IMMUTANT_PUSH_WAIT="0")

    def start(self, log: IO[bytes], *command: str) -> subprocess.Popen[bytes]:
        """`git` or `immutant` as a process of its own terminal; what it says goes into a file."""
        program, *arguments = command
        begun = {"immutant": [sys.executable, "-m", "immutant"]}.get(program, [program])
        return subprocess.Popen(
            [*begun, *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def immutant(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "immutant", *arguments, "--namespace", self.namespace],
            cwd=self.folder,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=self._patience,
            check=False,
        )
