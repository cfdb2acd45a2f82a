"""Wake-ups between processes: a datagram socket for each, in a folder of their own.

Belongs here: sending topics to other processes and ringing the bell for what they send. Not here:
who listens (`bell`), who is there (`owners`).

Nothing is lost for good. A receiver's full buffer leaves a mark in a file, which it looks for after
emptying the buffer. A process that is killed between its commit and the sending tells nobody:
the `backstop` finds that out within a second.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

from immutant.embedded.bell import EVERYTHING, Bell
from immutant.embedded.identity import is_process
from immutant.embedded.transaction import Transaction
from immutant.errors import UnusableStateError
from immutant.socketfolder import make_private, socket_folder

__all__ = ["Post", "agree_on_folder"]

_LARGEST = 8192
_MISSED = ".missed"
_ATTEMPTS = 5


class Post:
    """This process's socket, and the way to those of the others.

    `deliver` is called by the writer's thread, all else by the event loop.
    """

    def __init__(self, folder: Path, process: str, bell: Bell) -> None:
        self._folder = folder
        self._process = process
        self._bell = bell
        self._loop = asyncio.get_running_loop()
        self._receiving = self._bind()
        self._sending = _socket()

    def deliver(self, topics: Mapping[str, Collection[str]]) -> Collection[str]:
        """Send each other process its topics; returns those of this process."""
        for process, heard in topics.items():
            if process != self._process:
                self._send(process, heard)
        return topics.get(self._process, ())

    def mend(self) -> None:
        """Bind anew if somebody has cleared the folder of temporary files away."""
        if not self._path(self._process).exists():
            fresh = self._bind()
            self._unbind()
            self._receiving = fresh

    async def close(self) -> None:
        """Let go of the sockets; the last process takes the folder away."""
        self._unbind()
        self._remove(self._process)
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                if is_process(path.name):
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
        receiving = _bound(self._path(self._process))
        self._loop.add_reader(receiving, self._receive)
        return receiving

    def _unbind(self) -> None:
        self._loop.remove_reader(self._receiving)
        self._receiving.close()

    def _remove(self, process: str) -> None:
        # A file that is no socket refuses connections too, and is not ours to remove.
        if self._path(process).is_socket():
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
    folder = socket_folder(directory, "post")
    transaction.run("INSERT OR REPLACE INTO meta VALUES ('sockets', ?)", str(folder))
    return folder


def _is_usable(folder: Path) -> bool:
    try:
        make_private(folder)
    except (OSError, UnusableStateError):
        return False
    return True


def _bound(path: Path) -> socket.socket:
    with contextlib.ExitStack() as undo:
        receiving = undo.enter_context(_socket())
        _bind(receiving, path)
        undo.pop_all()
    return receiving


def _bind(receiving: socket.socket, path: Path) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            make_private(path.parent)
            receiving.bind(str(path))
        except FileNotFoundError:
            # The last other process may just have left, and taken the folder away.
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _socket() -> socket.socket:
    new = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    new.setblocking(False)
    return new
