"""Wake-ups between processes: a datagram socket for each, in a folder of their own.

Belongs here: sending topics to other processes and ringing the bell for what they send. Not here:
who listens (`bell`), who is there (`owners`).

Nothing is lost for good. A receiver's full buffer leaves a mark in a file, which it looks for after
emptying the buffer. A process that is killed between its commit and the sending tells nobody:
the `backstop` finds that out within a second.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from immutant.embedded.bell import EVERYTHING, Bell
from immutant.embedded.transaction import Transaction
from immutant.errors import StoreError

__all__ = ["Post", "agree_on_folder"]

_LARGEST = 8192
_MISSED = ".missed"
_LONGEST_FOLDER = 80
"""A socket's path has at most 103 bytes (macOS; Linux 107); a process name takes up to 22."""


class Post:
    """This process's socket, and the way to those of the others.

    `deliver` is called by the writer's thread, all else by the event loop.
    """

    def __init__(self, folder: Path, process: str, bell: Bell) -> None:
        self._folder = folder
        self._process = process
        self._bell = bell
        self._loop = asyncio.get_running_loop()
        self._sending = _socket()
        self._receiving = self._bind()

    def deliver(self, topics: Mapping[str, Collection[str]]) -> Collection[str]:
        """Send each other process its topics; returns those of this process."""
        for process, heard in topics.items():
            if process != self._process:
                self._send(process, heard)
        return topics.get(self._process, ())

    def mend(self) -> None:
        """Bind anew if somebody has cleared the folder of temporary files away."""
        if not self._path(self._process).exists():
            self._unbind()
            self._receiving = self._bind()

    async def close(self) -> None:
        """Let go of the sockets; the last process takes the folder away."""
        self._unbind()
        self._remove(self._process)
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if path.suffix != _MISSED:
                    self._send(path.name, ())  # Removes what a killed process has left.
            self._folder.rmdir()
        self._sending.close()

    def _send(self, process: str, topics: Collection[str]) -> None:
        letter = json.dumps(sorted(topics)).encode()
        if len(letter) > _LARGEST:
            letter = json.dumps([EVERYTHING]).encode()
        try:
            self._sending.sendto(letter, str(self._path(process)))
        except BlockingIOError:
            self._leave_mark(process)
        except ConnectionRefusedError:
            self._remove(process)
        except OSError:
            # It has gone, or its folder was cleared away: it will look by itself.
            return

    def _leave_mark(self, process: str) -> None:
        """Tell a process whose buffer is full; either it is emptying that, or it hears this."""
        with contextlib.suppress(OSError):
            self._missed(process).touch()
            self._sending.sendto(b"[]", str(self._path(process)))

    def _receive(self) -> None:
        topics: set[str] = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                topics.update(json.loads(self._receiving.recv(_LARGEST)))
        with contextlib.suppress(FileNotFoundError):
            self._missed(self._process).unlink()
            topics.add(EVERYTHING)
        self._bell.ring(topics)

    def _bind(self) -> socket.socket:
        receiving = _socket()
        try:
            _make_private(self._folder)
            receiving.bind(str(self._path(self._process)))
        except FileNotFoundError:
            # The last other process left, and took the folder away, in between.
            receiving.close()
            return self._bind()
        self._loop.add_reader(receiving, self._receive)
        return receiving

    def _unbind(self) -> None:
        self._loop.remove_reader(self._receiving)
        self._receiving.close()

    def _remove(self, process: str) -> None:
        self._path(process).unlink(missing_ok=True)
        self._missed(process).unlink(missing_ok=True)

    def _path(self, process: str) -> Path:
        return self._folder / process

    def _missed(self, process: str) -> Path:
        return self._folder / f"{process}{_MISSED}"


def agree_on_folder(transaction: Transaction, directory: Path) -> Path:
    """The folder of the sockets of all processes that use this store.

    It is written down in the store, since two processes may see two folders for temporary files.
    """
    row = transaction.one("SELECT value FROM meta WHERE name = 'sockets'")
    if row and _is_usable(Path(row[0])):
        return Path(row[0])
    folder = _short_folder(directory)
    transaction.run("INSERT OR REPLACE INTO meta VALUES ('sockets', ?)", str(folder))
    return folder


def _short_folder(directory: Path) -> Path:
    """A folder for this store whose name is short enough for a socket's path."""
    digest = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:12]
    private = Path(f"immutant-{os.geteuid()}") / digest
    usual = Path(tempfile.gettempdir()) / private
    folder = usual if len(os.fsencode(usual)) <= _LONGEST_FOLDER else Path("/tmp") / private  # noqa: S108
    _make_private(folder)
    return folder


def _is_usable(folder: Path) -> bool:
    try:
        _make_private(folder)
    except (OSError, StoreError):
        return False
    return True


def _make_private(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    status = folder.parent.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise StoreError(
            f"{folder.parent} is open to other users: remove it, or set TMPDIR to another folder"
        )
    folder.mkdir(mode=0o700, exist_ok=True)


def _socket() -> socket.socket:
    new = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    new.setblocking(False)
    return new
