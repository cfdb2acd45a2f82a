"""Real members on loopback, for tests.

Belongs here: starting, stopping, killing and freezing members, and asking them over HTTP. Not
here: what a test expects of them.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.grid.build import build
from tests.machine import MEMBERS, need
from tests.processes import free_ports, process_group

from immutant.contract.environment import Address, Grid

__all__ = ["Member", "Members", "leaves_sockets", "running"]

LOOPBACK = "127.0.0.1"
PATIENCE = 60.0
"""Seconds until members that should be ready are given up; on a quiet machine they take 3."""

POLL = 0.1

_STACKS_END = "JNI global refs"
_STUCK = ("BLOCKED", "ReentrantLock", "MembershipManager", "Joiner", "deadlock")

leaves_sockets = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Hazelcast's client leaves the sockets of members that it has lost to the garbage collector."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a member listens; it keeps them when it is started again."""

    grid: int
    topology: int
    metrics: int


class Member:
    """One member's process, and what it says of itself."""

    def __init__(
        self, ports: Ports, cluster: "Members", address: str = LOOPBACK, **environ: str
    ) -> None:
        """A member of that cluster, not started; `environ` is what differs for this one."""
        self.ports = ports
        self.address = address
        self.log = cluster.folder / f"{address}:{ports.grid}.log"
        self._cluster = cluster
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """As the topology names it: address:port."""
        return f"{self.address}:{self.ports.grid}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, or start it again after its end; see `Members.ready`."""
        assert not self.alive
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [build() / "start"],
                env={**os.environ, **self._cluster.environ(self), **self._environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=self._cluster.group,
            )

    def stop(self) -> int:
        """SIGTERM: it hands over what it owns and leaves. Returns its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: it is there, and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def stuck(self) -> str:
        """The stacks of its threads that wait for a lock, or that agree on who is a member."""
        before = self.log.read_text()
        os.kill(self.pid, signal.SIGQUIT)  # Java prints all stacks, and goes on
        deadline = time.monotonic() + PATIENCE
        while _STACKS_END not in (said := self.log.read_text()[len(before) :]):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL)
        stacks = said.split("\n\n")
        return "\n\n".join(one for one in stacks if any(sign in one for sign in _STUCK))

    def wait(self) -> int:
        """Wait for its end by itself; returns its exit status."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def healthy(self, check: str = "ready") -> bool:
        """Its own health check: ready, or cluster-safe."""
        try:
            self.fetch(self.ports.grid, f"/hazelcast/health/{check}")
        except OSError:
            return False
        return True

    def topology(self, path: str, **parameters: str) -> Any:
        """What the topology API answers at /v1/`path`.

        Raises:
            OSError: It does not answer, or with an error (urllib.error.HTTPError).
        """
        query = urllib.parse.urlencode(parameters)
        return json.loads(self.fetch(self.ports.topology, f"/v1/{path}?{query}"))

    def metric(self, name: str, **labels: str) -> float | None:
        """One value of its metrics page; None where the page has no such line.

        Raises:
            OSError: It does not answer.
        """
        for line in self.fetch(self.ports.metrics, "/metrics").splitlines():
            key, _, value = line.rpartition(" ")
            found = dict(re.findall(r'(\w+)="([^"]*)"', key))
            if key.partition("{")[0] == name and labels.items() <= found.items():
                return float(value)
        return None

    def tell(self, *voters: str, gone: str = "", seconds: float = 0.0) -> dict[str, Any]:
        """Say whose votes count, as a sidecar does, fresh for so long; what it answers."""
        until = time.monotonic_ns() + int(seconds * 1e9)
        told = {"voters": ",".join(voters), "gone": gone, "until": until}
        answer: dict[str, Any] = json.loads(
            self.fetch(self.ports.topology, f"/v1/quorum?{urllib.parse.urlencode(told)}", "PUT")
        )
        return answer

    @property
    def writable(self) -> bool:
        """Whether the members that it sees may write, as it says."""
        return self.metric("hazelcast_writable") == 1

    def _end(self, with_signal: signal.Signals) -> int:
        if self.alive:
            os.kill(self.pid, with_signal)
        return self.wait()

    def fetch(self, port: int, path: str, method: str = "GET") -> str:
        url = f"http://{self.address}:{port}{path}"
        asked = urllib.request.Request(url, method=method)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return str(answer.read().decode())


class Members:
    """Members of one cluster with a name of its own."""

    def __init__(self, folder: Path, group: int, environ: dict[str, str], app: str) -> None:
        self.app = app
        self.cluster = f"test.{uuid.uuid4()}"
        self.folder = folder
        self.group = group
        self._environ = environ
        self._members: list[Member] = []

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: int) -> Member:
        return self._members[index]

    def grid(self, beside: int = 0) -> Grid:
        """For a client beside that member: it is the first of the list, and tells the topology."""
        near = self[beside]
        members = [near, *(member for member in self if member is not near)]
        return Grid(
            cluster=self.cluster,
            members=tuple(Address(host=LOOPBACK, port=member.ports.grid) for member in members),
            topology=Address(host=LOOPBACK, port=near.ports.topology),
        )

    def add(self, count: int = 1) -> list[Member]:
        """Start that many more, together; see `ready`."""
        added = [Member(ports, self) for ports in ports_of_members(count)]
        self._members += added
        for member in added:
            member.start()
        return added

    def environ(self, member: Member) -> dict[str, str]:
        """What a member is told. Its seeds are those alive: the first one need not wait for any."""
        return {
            "IMMUTANT_GRID": self.cluster,
            "IMMUTANT_GRID_SEEDS": ",".join(one.name for one in self if one.alive or one is member),
            "IMMUTANT_MEMBER_ADDRESS": member.address,
            "IMMUTANT_MEMBER_PORT": str(member.ports.grid),
            "IMMUTANT_TOPOLOGY": f"{member.address}:{member.ports.topology}",
            "IMMUTANT_MEMBER_METRICS": str(member.ports.metrics),
            "IMMUTANT_POD_NAME": f"{self.app}-{self._members.index(member)}" if self.app else "",
            **self._environ,
        }

    def ready(self) -> None:
        """Wait until all that are alive are one cluster, and every entry is on all its owners.

        Raises:
            TimeoutError: That took longer than PATIENCE; the text has the members' logs, and what
                those that are alive wait for.
        """
        deadline = time.monotonic() + PATIENCE
        while not self._one():
            if time.monotonic() > deadline:
                logs = [member.log.read_text() for member in self]
                stuck = [member.stuck() for member in self if member.alive]
                raise TimeoutError("\n".join([*logs, *stuck]))
            time.sleep(POLL)

    def _one(self) -> bool:
        alive = [member for member in self if member.alive]
        try:
            return all(
                member.healthy()
                and len(member.topology("partitions")["members"]) == len(alive)
                and member.topology("safe")["safe"]
                for member in alive
            )
        except OSError:
            return False


@contextlib.contextmanager
def running(count: int = 3, app: str = "", **environ: str) -> Iterator[Members]:
    """That many members as one cluster, ready; whatever is left at the end is killed.

    They die with this process too, however it ends. It may be entered in any thread. Where there is
    nothing to build members with, the test is skipped.

    Args:
        count: How many.
        app: Whose pods they are in, APP-0 and so on; without it in none, and no votes count.
        environ: Variables of the contract that differ, such as IMMUTANT_OWNERS="3".
    """
    need(*MEMBERS)
    folder = Path(tempfile.mkdtemp(prefix="immutant-members-"))
    with process_group() as group:
        members = Members(folder, group, {"IMMUTANT_HEAP": "128m", **environ}, app)
        try:
            members.add(count)
            members.ready()
            yield members
        finally:
            for member in members:
                member.kill()
    shutil.rmtree(folder)


def ports_of_members(count: int) -> list[Ports]:
    """Ports for so many members."""
    found = free_ports(3 * count)
    return [Ports(*found[i : i + 3]) for i in range(0, len(found), 3)]
