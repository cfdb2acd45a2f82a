"""The version before this one, from the history of the repository.

Belongs here: which commit that is, and its files. Not here: what is done with them.
"""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.machine import not_run

__all__ = ["ROOT", "Former", "candidates", "unpacked"]

ROOT = Path(__file__).parents[3].resolve()
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
    """Unpack the version before; skip the running test where there is no history at all."""
    for commit in candidates(ROOT):
        # A partial clone may know a commit and lack its files.
        if files := _run(ROOT, "archive", commit, *_NEEDED):
            with tarfile.open(fileobj=io.BytesIO(files)) as archive:
                archive.extractall(folder, filter="data")
            packages = (folder / "operator" / "src", folder / "runtime" / "src")
            return Former(commit, folder / "charts" / "immutant", ":".join(map(str, packages)))
    reason = "this is no git checkout, so the version before cannot be had"
    not_run("the upgrade from the version before", reason)
    pytest.skip(reason)


def candidates(root: Path) -> Iterator[str]:
    """What may be the version before, best first; nothing where there is no history.

    The last release before this commit; before there is one, what stands for it; in a shallow
    clone the oldest commit that is there, which may be this one.
    """
    if Path(_say(root, "rev-parse", "--show-toplevel") or "/").resolve() != root.resolve():
        return  # no checkout, or a folder within somebody else's
    release = _say(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^")
    brought = _say(root, "log", "--diff-filter=A", "--format=%H", "--", _FIRST_THAT_KEEPS)
    oldest = _say(root, "rev-list", "HEAD")
    named = [release, *(f"{one}^" for one in brought.split()[-1:]), *oldest.split()[-1:]]
    for name in filter(None, named):
        if commit := _say(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"):
            yield commit


def _say(root: Path, *arguments: str) -> str:
    return _run(root, *arguments).decode().strip()


def _run(root: Path, *arguments: str) -> bytes:
    """What git says; nothing where it fails, or where there is no git."""
    # A checkout that is mounted into a container belongs to somebody else there.
    whose = ("-c", f"safe.directory={root}", "-C", str(root))
    try:
        ended = subprocess.run(["git", *whose, *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return b""
    return ended.stdout if ended.returncode == 0 else b""
