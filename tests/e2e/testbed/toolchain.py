"""The Go that builds the programs: the one on the PATH, or a newer one that it fetches as a module.

Belongs here: choosing it, fetching it, calling it. Not here: what is built with it (programs.py).
"""

import json
import os
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.layout import cache
from tests.e2e.testbed.machine import provide
from tests.e2e.testbed.recipes import GO, newer_or_same

__all__ = ["Go", "find", "is_program", "place"]

_FETCHES_BY_ITSELF = (1, 21)
"""Since this version Go fetches the toolchain that a module asks for (GOTOOLCHAIN)."""

_NEEDED = ".".join(map(str, GO))
_VERSION = f"go{_NEEDED}.0"


@dataclass(frozen=True, slots=True)
class Go:
    """A Go to build with.

    Attributes:
        program: Its name on the PATH, or its path.
        settings: What its environment has to say beside.
    """

    program: str = "go"
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, arguments: Sequence[str], folder: Path) -> str:
        """What it prints when it is called in that folder.

        Raises:
            TestbedError: It failed; the text has its last lines.
        """
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", **self.settings}
        ended = subprocess.run(
            [self.program, *arguments],
            cwd=folder,
            env=environment,
            text=True,
            capture_output=True,
            check=False,
        )
        if ended.returncode:
            # With -json it is the output that says what went wrong.
            last = "\n".join((ended.stdout + ended.stderr).splitlines()[-20:])
            raise TestbedError(f"`go {' '.join(arguments)}` failed:\n{last}")
        return ended.stdout


def find() -> Go:
    """A Go that is new enough for all recipes.

    Raises:
        TestbedError: There is no Go to be had, or an old one that cannot get a newer one.
    """
    provide("go")
    old = Go()
    version = old.run(["env", "GOVERSION"], Path.cwd()).strip()
    if newer_or_same(version, GO):
        return old
    if newer_or_same(version, _FETCHES_BY_ITSELF):
        _announce(version)
        return Go(settings={"GOTOOLCHAIN": f"{_VERSION}+auto"})
    return _fetched_by(old, version)


def place(entry: str) -> PurePosixPath:
    """Where a file of the module's zip belongs in the toolchain's folder.

    A module cannot contain others; what is go.mod in the toolchain is _go.mod in its module.
    """
    path = PurePosixPath(*PurePosixPath(entry.partition("@")[2]).parts[1:])
    return path.with_name("go.mod") if path.name == "_go.mod" else path


def is_program(path: PurePosixPath) -> bool:
    """Whether it is to be run: modules do not keep the permission."""
    return path.parts[0] == "bin" or path.parts[:2] == ("pkg", "tool")


def _announce(version: str) -> None:
    print(f"{version} is older than {_NEEDED}; it will fetch the toolchain as a module", flush=True)


def _fetched_by(old: Go, version: str) -> Go:
    """A newer Go, by one that takes it for a module like any other."""
    system, processor = old.run(["env", "GOHOSTOS", "GOHOSTARCH"], Path.cwd()).split()
    folder = cache() / f"{_VERSION}.{system}-{processor}"
    if not folder.exists():
        _announce(version)
        try:
            _fetch(old, folder)
        except TestbedError as error:
            raise TestbedError(
                f"{version} is too old, and could not fetch a newer one; "
                f"put Go {_NEEDED} or newer on the PATH. {error}"
            ) from error
    return Go(str(folder / "bin" / "go"), {"GOTOOLCHAIN": "local", "GOROOT": str(folder)})


def _fetch(old: Go, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as temporary:
        module = f"golang.org/toolchain@v0.0.1-{folder.name}"
        found = json.loads(old.run(["mod", "download", "-json", module], Path(temporary)))
        unpacked = Path(temporary) / "go"
        with zipfile.ZipFile(found["Zip"]) as archive:
            for entry in archive.namelist():
                _unpack(archive, entry, unpacked)
        unpacked.rename(folder)


def _unpack(archive: zipfile.ZipFile, entry: str, folder: Path) -> None:
    path = place(entry)
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(archive.read(entry))
    if is_program(path):
        file.chmod(0o755)
