"""Processes of a test: looking at them, and a group that ends with this process.

Belongs here: what several kinds of tests ask of processes. Not here: which program is started.
"""

import contextlib
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["children", "command", "free_port", "free_ports", "parents", "process_group"]


@contextlib.contextmanager
def process_group() -> Iterator[int]:
    """A process group that is killed when this process ends: its leader waits for our pipe's end.

    A parent-death signal would not do: it is sent when the *thread* ends that started the process.
    """
    leader = subprocess.Popen(
        ["/bin/sh", "-c", "read -r line; kill -KILL 0"], stdin=subprocess.PIPE, process_group=0
    )
    try:
        yield leader.pid
    finally:
        leader.communicate()


def parents() -> dict[int, int]:
    """Each living process with its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            state, parent = stat.rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(entry.name)] = int(parent)
    return found


def children(pid: int) -> list[int]:
    """The living children of a process."""
    return [child for child, parent in parents().items() if parent == pid]


def command(pid: int) -> str:
    """A process's command line; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def free_port() -> int:
    """A port of loopback that nobody listens on now; see `free_ports`."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now.

    They are below those that the kernel gives to outgoing connections: one of these could take the
    port before whoever is to listen there does.
    """
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(found) < count:
            taken = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                taken.bind(("127.0.0.1", random.randrange(15_000, 32_000)))
                found.append(taken.getsockname()[1])
    return found
