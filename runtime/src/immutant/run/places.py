"""Where a run keeps its files: the state folder, and a short folder for sockets.

Belongs here: paths, the lock that keeps two runs apart, and the note in the state folder by which
the control commands find the run. Not here: the store in the state folder.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from immutant.errors import ConfigurationError, LockHeldError
from immutant.filelock import HeldLock, hold
from immutant.socketfolder import LONGEST_SOCKET_PATH, socket_folder

__all__ = ["NOTE", "Places", "announced", "claim"]

NOTE = "run.json"
_LOCK = "run.lock"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a run: `state` lives on, `sockets` is the run's own."""

    state: Path
    sockets: Path

    @property
    def control(self) -> Path:
        """The socket of the control commands."""
        return self.sockets / "control.sock"

    def of(self, replica: str, suffix: str) -> Path:
        """A socket or lock file of one replica.

        Raises:
            ConfigurationError: The path is too long for a socket.
        """
        path = self.sockets / f"{replica}.{suffix}"
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            raise ConfigurationError(
                f"the path {path} is too long for a socket; choose a shorter --name"
            )
        return path


@contextmanager
def claim(state: Path) -> Iterator[Places]:
    """The run's places, its alone while the context is open.

    Raises:
        ConfigurationError: The folder cannot be written, or another run uses it.
    """
    state = state.absolute()
    lock = _lock(state)
    try:
        places = Places(state, _socket_folder(state))
        try:
            yield places
        finally:
            # The run's alone: the store's wake-ups, which others may still use, are elsewhere.
            shutil.rmtree(places.sockets, ignore_errors=True)
    finally:
        lock.release()


def _lock(state: Path) -> HeldLock:
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        return hold(state / _LOCK)
    except LockHeldError as error:
        raise ConfigurationError(
            f"another `immutant run` uses {state}; stop it with `immutant shutdown --state {state}`"
            ", or give this one a folder of its own: --state DIR"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"the state folder {state} cannot be written ({error.strerror}); "
            "choose another one: --state DIR"
        ) from error


@contextmanager
def announced(places: Places) -> Iterator[None]:
    """Tell control commands where this run listens, while the context is open."""
    note = places.state / NOTE
    fresh = note.with_suffix(".new")
    fresh.write_text(json.dumps({"control": str(places.control), "pid": os.getpid()}))
    fresh.replace(note)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def _socket_folder(state: Path) -> Path:
    try:
        return socket_folder(state, "run")
    except OSError as error:
        raise ConfigurationError(
            f"no folder for sockets can be made ({error}); "
            "name a folder for temporary files that can be written: TMPDIR=DIR"
        ) from error
