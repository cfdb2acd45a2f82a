"""The member, built on this machine for the tests: the same sources and start script as the image.

Belongs here: calling Maven and keeping what it makes outside the checkout. Not here: starting
members.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.testbed import TestbedError
from tests.e2e.testbed.layout import cache
from tests.e2e.testbed.machine import lacking

__all__ = ["PROGRAMS", "build"]

SOURCE = Path(__file__).parents[2] / "images" / "member"
PROGRAMS = ("mvn", "javac")
"""What builds it."""


def build() -> Path:
    """The folder of a built member, made at first use: start, member.jsa, lib/*.jar.

    Raises:
        TestbedError: Something is missing to build it with, or the build failed.
    """
    if reason := lacking(*PROGRAMS):
        raise TestbedError(reason)
    folder = cache() / f"member-{_key()}"
    cache().mkdir(parents=True, exist_ok=True)
    with _lock(cache() / "member.lock"):
        if not folder.exists():
            _make(folder)
    return folder


def _key() -> str:
    """Of all that decides what is built; the archive is of use to one JVM alone."""
    digest = hashlib.sha256(_run("java", "-version").encode())
    for file in sorted(SOURCE.rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(SOURCE)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _make(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as temporary:
        source, built = Path(temporary) / "source", Path(temporary) / "member"
        shutil.copytree(SOURCE, source)
        _run("mvn", "--batch-mode", "--quiet", "--file", str(source / "pom.xml"), "package")
        built.mkdir()
        shutil.move(source / "target" / "lib", built / "lib")
        shutil.copy2(source / "start", built / "start")
        archive = {"IMMUTANT_ARCHIVE": "-XX:ArchiveClassesAtExit=member.jsa"}
        _run(str(built / "start"), "Rehearsal", environ=archive)
        built.rename(folder)


def _run(*command: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environ or {})},
    )
    if done.returncode:
        raise TestbedError(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")
    return done.stdout


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
