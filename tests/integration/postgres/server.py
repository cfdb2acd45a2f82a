"""Debian's PostgreSQL as a test's own server: a folder, a Unix socket, an unprivileged user.

Belongs here: starting and stopping it, and connections. No port is opened and nothing outside the
folder is touched; the server ends with the process that started it.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pg8000.dbapi  # type: ignore[import-untyped]
from tests.e2e.testbed.machine import where
from tests.machine import DATABASE, need

PATIENCE = 30.0
USER = "immutant"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

DATABASE_ERRORS = (pg8000.dbapi.Error, OSError)
"""pg8000 lets its socket's errors through: a connection that the server ended may be reset."""


class Server:
    """A running server; its database is empty at the start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = _owner()
        self._log = folder / "log"

    @property
    def address(self) -> dict[str, str]:
        """What a driver needs to connect."""
        socket = str(self._folder / ".s.PGSQL.5432")
        return {"user": USER, "database": "postgres", "unix_sock": socket}

    def connect(self) -> Any:
        """A connection in which each statement is a transaction of its own."""
        connection = pg8000.dbapi.connect(**self.address)
        connection.autocommit = True
        return connection

    def run(self, statement: str) -> None:
        with closing(self.connect()) as connection:
            connection.cursor().execute(statement)

    @contextmanager
    def serving(self) -> Iterator["Server"]:
        """Serve while the context is open."""
        data = self._folder / "data"
        options = ("--auth=trust", f"--username={USER}", "--no-sync", "--encoding=UTF8")
        self._call("initdb", *options, "--locale=C", f"--pgdata={data}")
        with self._log.open("ab") as log, self._begin(data, log) as process:
            try:
                self._wait(process)
                yield self
            finally:
                process.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed again

    def _begin(self, data: Path, log: Any) -> "subprocess.Popen[bytes]":
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "fsync": "off",
            "shared_buffers": "16MB",
        }
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        return subprocess.Popen(
            [str(where("postgres")), "-D", str(data), *flags],
            user=self._owner,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self._folder,
            preexec_fn=_die_with_parent,
        )

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(where(program)), *arguments],
            user=self._owner,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _wait(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect().close()
            except DATABASE_ERRORS:
                is_over = process.poll() is not None or time.monotonic() > deadline
                assert not is_over, self._log.read_text()
                time.sleep(0.02)
            else:
                return


@contextmanager
def closing(connection: Any) -> Iterator[Any]:
    """Close it at the end, also where the server has ended it already."""
    try:
        yield connection
    finally:
        with suppress(*DATABASE_ERRORS):
            connection.close()


@contextmanager
def postgres() -> Iterator[Server]:
    """A server of its own; skips the running test where there are no programs for one."""
    need(*DATABASE)
    # Not below pytest's own folder, which another user may not enter.
    folder = Path(tempfile.mkdtemp(prefix="immutant-postgres-"))
    try:
        if (owner := _owner()) is not None:
            os.chown(folder, owner, -1)
        with Server(folder).serving() as server:
            yield server
    finally:
        shutil.rmtree(folder)


def _owner() -> int | None:
    """As whom the server runs: it refuses to as root."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _die_with_parent() -> None:
    # An immediate shutdown, in which the server takes its own child processes with it.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
