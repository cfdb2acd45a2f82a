"""Disks with images on them, so that nodes need not unpack the same images in each run.

Belongs here: making such a disk once, and giving a node its copy. Not here: images in a node that
runs (images.py).

A disk is containerd's folder after an import, kept in the cache by what was imported. A node's copy
consists of the same files (hard links): what lies in an image's layers is never written to, a
container has a layer of its own for that. Only containerd's databases are copied.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.testbed import images
from tests.e2e.testbed.errors import TestbedError, wait_until
from tests.e2e.testbed.layout import cache
from tests.e2e.testbed.processes import command

__all__ = ["disk", "give"]

_SERVES_WITHIN = 60.0
_SETTINGS = """
version = 2
root = "{folder}/disk"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{folder}/containerd.sock"
[ttrpc]
  address = "{folder}/containerd.sock.ttrpc"
"""


def disk(archives: Sequence[Path]) -> Path:
    """The disk that has the images of these docker-archives; made if it is not in the cache.

    Only the newest is kept.

    Raises:
        TestbedError: An archive is missing, or containerd failed.
    """
    folder = cache() / "disks"
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / _key(archives)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in folder.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            _make(made, archives)
    return made


def give(made: Path, folder: Path) -> None:
    """Make a folder that is a copy of a disk."""
    folder.parent.mkdir(exist_ok=True)
    same = made.stat().st_dev == folder.parent.stat().st_dev
    command("cp", "--archive", *(["--link"] if same else []), made, folder)
    for database in folder.rglob("*.db"):
        fresh = database.with_suffix(".copy")
        shutil.copy2(database, fresh)
        fresh.replace(database)


def _key(archives: Sequence[Path]) -> str:
    digest = hashlib.sha256(command("containerd", "--version").encode())
    for archive in archives:
        if not archive.is_file():
            raise TestbedError(f"there is no archive {archive}; build the images first")
        status = archive.stat()
        digest.update(f"{archive.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _make(made: Path, archives: Sequence[Path]) -> None:
    work = Path(tempfile.mkdtemp(dir=made.parent))
    (work / "disk").mkdir()
    with _containerd(work) as socket:
        for archive in archives:
            images.load(socket, archive)
    (work / "disk").rename(made)
    shutil.rmtree(work)


@contextmanager
def _containerd(folder: Path) -> Iterator[Path]:
    """A containerd that only imports; it dies with this process, and its mounts with it."""
    settings, socket = folder / "containerd.toml", folder / "containerd.sock"
    settings.write_text(_SETTINGS.format(folder=folder))
    unshare = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    with (folder / "containerd.log").open("wb") as log:
        process = subprocess.Popen(
            [*unshare, "containerd", "--config", str(settings)], stdout=log, stderr=log
        )
    try:
        wait_until("containerd", lambda: _serves(socket), _SERVES_WITHIN, f"{log.name}")
        yield socket
        os.sync()
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _serves(socket: Path) -> bool:
    try:
        images.version(socket)
    except TestbedError:
        return False
    return True
