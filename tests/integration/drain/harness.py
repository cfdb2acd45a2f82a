"""Two replicas of an application and the router before them, as bare processes.

Belongs here: starting and stopping them, and looking at what the router thinks. The router's
configuration is the operator's, but for the addresses.
"""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tests import polling
from tests.load import Address as WebAddress
from tests.log import Line, Log
from tests.processes import free_port
from tests.unit.operator.apps import app

from immutant.contract.environment import Address, Environment
from immutant.stopped import Mark
from immutant_operator.builders.haproxy import haproxy_configuration
from immutant_operator.spec import App

PROGRAM = Path(__file__).parent / "programs" / "app.py"
PATIENCE = 30.0
GRACE = 10.0
_POLL = 0.02

SPEC = app(replicas=2, web={"health": {"period": "200ms"}})


def until(done: Callable[[], bool], what: str) -> None:
    """Look again and again: other processes tell of nothing."""
    polling.until(done, what, PATIENCE, _POLL)


class Process:
    """A process and what it prints, one line after the other, in a log."""

    def __init__(
        self, name: str, command: Sequence[str], environ: dict[str, str], log: Log
    ) -> None:
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._name = name
        self._log = log
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        status = self.process.wait(PATIENCE)
        self._reader.join()
        return status

    def close(self) -> None:
        self.process.kill()
        self.ended()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout:
            for line in self.process.stdout:
                self._log.add(Line(time.monotonic(), self._name, line.rstrip("\n")))


class Replica:
    """One replica, with its coordinator, on a port of its own."""

    def __init__(self, number: int, state: Path, sockets: Path, log: Log) -> None:
        self.name = f"demo-{number}"
        self.port = free_port()
        self.log = log
        self.mark = Mark(sockets / f"{number}.lock")
        self._environ = Environment(
            app="demo",
            replica=self.name,
            state=state,
            coordinator=Address(path=str(sockets / f"{number}.link")),
            listen=Address(host="127.0.0.1", port=self.port),
            app_lock=sockets / f"{number}.lock",
            grace=GRACE,
            shutdown_delay=SPEC.spec.web.shutdown_delay,
        ).variables()
        self._coordinator = self._process("immutant.coordinator")
        self.app: Process | None = None

    @property
    def address(self) -> WebAddress:
        """Its own address, past the router."""
        return WebAddress("127.0.0.1", self.port)

    @property
    def runs(self) -> bool:
        return self.app is not None and self.app.process.poll() is None

    def start(self) -> None:
        """Start the application; the coordinator runs on, as a pod's sidecar does."""
        self.app = self._process("immutant.serve", f"{PROGRAM}:app")

    def stop(self) -> None:
        """What the kubelet does first when a pod is deleted."""
        assert self.app is not None
        self.app.signal(signal.SIGTERM)

    def ended(self) -> int:
        assert self.app is not None
        return self.app.ended()

    def close(self) -> None:
        for process in (self.app, self._coordinator):
            if process is not None:
                process.close()

    def _process(self, *module: str) -> Process:
        return Process(self.name, (sys.executable, "-m", *module), self._environ, self.log)


class Router:
    """HAProxy before these servers."""

    def __init__(self, folder: Path, servers: Sequence[int], ready: int, log: Log) -> None:
        self.port, self._status = free_port(), free_port()
        path = folder / f"{self.port}.cfg"
        path.write_text(_local(SPEC, self.port, self._status, servers, ready))
        # As the Deployment has it.
        command = ("haproxy", "-W", "-db", "-f", str(path))
        self.process = Process("router", command, {}, log)

    @property
    def address(self) -> WebAddress:
        return WebAddress("127.0.0.1", self.port)

    def states(self) -> dict[str, str]:
        """What it thinks of each server."""
        url = f"http://127.0.0.1:{self._status}/haproxy-status;csv"
        try:
            with urllib.request.urlopen(url, timeout=5) as page:
                rows = list(csv.DictReader(io.StringIO(page.read().decode())))
        except OSError:
            return {}
        kinds = ("FRONTEND", "BACKEND")
        return {row["svname"]: row["status"] for row in rows if row["svname"] not in kinds}

    def until_up(self, *names: str) -> None:
        """Wait until all of these, and no other replica, get requests."""

        def seen() -> bool:
            up = {name for name, state in self.states().items() if state.startswith("UP")}
            return up - {"ready"} == set(names)

        until(seen, f"{sorted(names)} are up: {self.states()}")


def _local(spec: App, port: int, status: int, servers: Sequence[int], ready: int) -> str:
    """The operator's configuration, with addresses of this machine."""
    text = haproxy_configuration(spec, "cluster.local")
    pods = "\n".join(
        f"    server demo-{number} 127.0.0.1:{server}" for number, server in enumerate(servers)
    )
    for pattern, local in (
        (r"^    server-template pod .*$", pods),
        (r"(?<=server ready )\S+$", f"127.0.0.1:{ready}"),
        (r"(?<=server unchecked )\S+", f"127.0.0.1:{ready}"),
        (r"bind :8080$", f"bind 127.0.0.1:{port}"),
        (r"bind :8404$", f"bind 127.0.0.1:{status}"),
        (r"parse-resolv-conf$", "nameserver none 127.0.0.1:9"),
    ):
        text, count = re.subn(pattern, local, text, flags=re.MULTILINE)
        assert count == 1, f"{count} times in the configuration: {pattern}"
    return text


class Setting:
    """Two replicas by number, and the routers that know them."""

    def __init__(self, folder: Path) -> None:
        self.log = Log()
        self._folder = folder
        self.replicas = [Replica(number, folder / "state", folder, self.log) for number in (0, 1)]
        self.routers: list[Router] = []
        self.new_router()

    @property
    def router(self) -> Router:
        return self.routers[0]

    def new_router(self, servers: Sequence[int] | None = None, ready: int | None = None) -> Router:
        """Another router before all replicas, or the servers on these ports.

        What it asks when it knows none of them is on the port `ready`.
        """
        known = servers or [one.port for one in self.replicas]
        router = Router(self._folder, known, ready or free_port(), self.log)
        self.routers.append(router)
        return router

    def until_whole(self) -> None:
        """Start what does not run, and wait until the router knows both replicas."""
        for replica in self.replicas:
            if not replica.runs:
                replica.start()
        self.router.until_up(*(one.name for one in self.replicas))

    def close(self) -> None:
        for router in self.routers:
            router.process.close()
        for replica in self.replicas:
            replica.close()
