"""A real `immutant run` under test: its log as it comes, its verbs, its processes."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from tests.log import PATIENCE, Line, Log
from tests.processes import command as command_of
from tests.processes import parents

IMMUTANT = (sys.executable, "-m", "immutant")
_ANNOUNCED = re.compile(r" behind http://127\.0\.0\.1:(\d+);")


class Laptop(Log):
    """One `immutant run` on a folder of its own."""

    def __init__(self, folder: Path, app: Path, replicas: int, *options: str) -> None:
        super().__init__()
        self.folder = folder
        self.started = time.monotonic()
        command = [*IMMUTANT, "run", str(app), "--replicas", str(replicas), "--no-reload"]
        command += ["--name", "demo", "--port", "0", *options]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"NO_COLOR": "1"},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for raw in self.process.stdout:
            replica, _, text = raw.rstrip("\n").partition(" | ")
            self.add(Line(time.monotonic(), replica.strip(), text))

    @cached_property
    def port(self) -> int:
        """The web port, once the run has announced it."""

        def announced() -> list[str]:
            return [found[1] for line in self.lines if (found := _ANNOUNCED.search(line.text))]

        self.until(lambda: bool(announced()), "it has begun")
        return int(announced()[0])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def until_up(self, replicas: int = 1) -> None:
        """Wait until so many replicas answer their health checks."""
        assert self.port
        deadline = time.monotonic() + PATIENCE
        while [gear["web"] for gear in self.gears()].count(True) < replicas:
            assert time.monotonic() < deadline, self.gears()

    def verb(self, *arguments: str) -> str:
        """Another terminal: `immutant VERB …` in the same folder."""
        done = subprocess.run(
            [*IMMUTANT, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def gears(self) -> list[dict[str, object]]:
        gears: list[dict[str, object]] = json.loads(self.verb("gears", "-o", "json"))
        return gears

    def holder(self, singleton: str) -> str:
        """The replica that holds the singleton, waiting for one."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for gear in self.gears():
                if singleton in str(gear["singletons"]):
                    return str(gear["name"])
        raise AssertionError(f"nobody holds {singleton}")

    def processes(self, replica: str, *parts: str) -> list[int]:
        """The process ids of a replica's parts: "coordinator", "supervisor", "child"."""
        found = [pid for pid, owner, part in self._parts() if owner == replica and part in parts]
        return sorted(found)

    def kill(self, replica: str, *parts: str) -> list[int]:
        """SIGKILL the parts, all at once; the process ids of all that die by it.

        A child dies with its supervisor.
        """
        pids = self.processes(replica, *parts)
        dying = {*pids, *(self.processes(replica, "child") if "supervisor" in parts else ())}
        for pid in pids:
            _kill_quietly(pid)
        return sorted(dying)

    def freeze_or_wake(self, replica: str, number: signal.Signals) -> None:
        """Send a signal to all processes of a replica."""
        for pid in self.processes(replica, "supervisor", "coordinator", "child"):
            os.kill(pid, number)

    @staticmethod
    def send(pid: int, number: signal.Signals) -> None:
        """Send a signal to one process of the run."""
        os.kill(pid, number)

    def _parts(self) -> Iterator[tuple[int, str, str]]:
        tree = parents()
        mine = [pid for pid, parent in tree.items() if parent == self.process.pid]
        for pid in mine:
            replica, command = _replica(pid), command_of(pid)
            if "immutant.coordinator" in command:
                yield pid, replica, "coordinator"
            elif "immutant.serve" in command:
                yield pid, replica, "supervisor"
                for child, parent in tree.items():
                    if parent == pid:
                        yield child, replica, "child"

    def everything(self) -> list[int]:
        """The process ids of all replicas' parts."""
        return [pid for pid, _, _ in self._parts()]

    def kill_all(self) -> None:
        """SIGKILL the launcher and all replicas, as nearly at once as can be."""
        for pid in [*self.everything(), self.process.pid]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def interrupt(self) -> int:
        """Ctrl-C, and the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)

    def close(self) -> None:
        """End it however it stands; nothing of it stays behind."""
        if self.process.poll() is None:
            everything = self.everything()
            self.process.kill()
            self.process.wait()
            for pid in everything:
                _kill_quietly(pid)
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()


@contextmanager
def laptop(folder: Path, app: Path, replicas: int, *options: str) -> Iterator[Laptop]:
    run = Laptop(folder, app, replicas, *options)
    try:
        yield run
    finally:
        run.close()


def _kill_quietly(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _replica(pid: int) -> str:
    try:
        environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
    except OSError:
        return ""
    return dict(item.split("=", 1) for item in environ if "=" in item).get("IMMUTANT_REPLICA", "")
