"""The version before this one, from the history of the repository.

Belongs here: which commit that is, and its files. Not here: what is done with them.
"""

import io
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.machine import not_run

__all__ = ["Former", "unpacked"]

_ROOT = Path(__file__).parents[3]
_NEEDED = ("charts", "operator/src", "runtime/src")
_FIRST_THAT_KEEPS = "operator/src/immutant_operator/keeping.py"
"""While there is no release, the version before is the last whose operator kept no pods as they
were: that of the commit before the one that brought this file."""


@dataclass(frozen=True)
class Former:
    """The files of the version before.

    Attributes:
        commit: Its commit.
        chart: Its chart.
        path: Where Python finds its packages, as PYTHONPATH says it.
    """

    commit: str
    chart: Path
    path: str


def unpacked(folder: Path) -> Former:
    """Unpack the version before; skip the running test where the history does not have it."""
    commit = _commit()
    if commit is None:
        reason = "the version before is not in this checkout's history; clone it with all of it"
        not_run("the upgrade from the version before", reason)
        pytest.skip(reason)
    archive = subprocess.run(
        ["git", "-C", _ROOT, "archive", commit, *_NEEDED], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    packages = (folder / "operator" / "src", folder / "runtime" / "src")
    return Former(commit, folder / "charts" / "immutant", ":".join(map(str, packages)))


def _commit() -> str | None:
    """The last release before this commit, or what stands for it."""
    release = _git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^")
    if release:
        return _git("rev-parse", "--verify", "--quiet", f"{release}^{{commit}}")
    brought = _git("log", "--diff-filter=A", "--format=%H", "--", _FIRST_THAT_KEEPS)
    first = brought.split()[-1] if brought else "HEAD"
    return _git("rev-parse", "--verify", "--quiet", f"{first}^")


def _git(*arguments: str) -> str | None:
    """What git says; None where it fails, or there is none, or this is no checkout of its own."""
    try:
        whose = ["git", "-C", str(_ROOT)]
        top = subprocess.run(
            [*whose, "rev-parse", "--show-toplevel"], text=True, capture_output=True, check=False
        )
        if Path(top.stdout.strip()) != _ROOT:
            return None
        said = subprocess.run([*whose, *arguments], text=True, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return said.stdout.strip() if said.returncode == 0 else None
