"""The testbed's processes: starting them in its namespaces, finding and ending them.

Belongs here: what knows processes and namespaces. Not here: which programs run (controlplane.py,
nodes.py).

The kernel is the record: whatever runs in one of the testbed's network namespaces belongs to the
testbed, and nothing else does. So a recycled process id is never taken for ours, and what a killed
command line left behind is found like everything else.
"""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.layout import CHECKOUT, log, namespace_file

__all__ = ["command", "enter", "first_process", "kill", "kill_all", "members", "spawn"]

_SHARE = 'echo -10 2>/dev/null >/proc/self/autogroup; exec "$@"'
_DETACHED = ("setsid", "--fork", "sh", "-c", _SHARE, "sh")
"""A session of its own, with about ten times the default's share of the processors, as the pods
have it (`cgroups`): else each terminal of this machine that is at work gets as much as the API
server (sched(7), "autogroup")."""

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def enter(namespace: str) -> list[str]:
    """What a command begins with to run in a network namespace.

    Not `ip netns exec`: that mounts /sys anew and hides the control groups.
    """
    return ["nsenter", f"--net={namespace_file(namespace)}"]


def command(*arguments: object, namespace: str | None = None, text: str | None = None) -> str:
    """Run a command to its end.

    Args:
        arguments: The program and its arguments.
        namespace: The network namespace to run it in.
        text: Its input.

    Returns:
        What it printed.

    Raises:
        TestbedError: It failed; the text ends in its own words.
    """
    whole = [*(enter(namespace) if namespace else []), *map(str, arguments)]
    ended = subprocess.run(whole, input=text or "", text=True, capture_output=True, check=False)
    if ended.returncode:
        raise TestbedError(f"`{' '.join(whole)}` failed: {ended.stderr.strip()}")
    return ended.stdout


def spawn(
    name: str, prefix: Sequence[str], arguments: Sequence[object], **environment: str
) -> None:
    """Start a process that outlives this one, its output going to its log.

    It is nobody's child but the machine's first process's, and inherits nothing of the user's
    environment: a proxy that is set there would come between the cluster's parts.
    """
    with log(name).open("ab") as output:
        subprocess.run(
            [*_DETACHED, *prefix, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=CHECKOUT,
            env={"PATH": _PATH, "HOME": "/root", **environment},
            check=True,
        )


def members(namespace: str) -> Iterator[int]:
    """The processes in a network namespace, zombies left out."""
    wanted = _identity(namespace_file(namespace))
    if wanted is None:
        return
    for folder in Path("/proc").glob("[0-9]*"):
        if _identity(folder / "ns" / "net") == wanted:
            yield int(folder.name)


def first_process(namespace: str, program: Path) -> int | None:
    """The node's first process, as this machine numbers it, once it is what it shall be.

    Args:
        namespace: The node's network namespace.
        program: What the first process becomes when its node is set up.
    """
    for pid in members(namespace):
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            own = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
            first_of_its_own = len(own) > 2 and own[-1] == "1"
            if first_of_its_own and Path(f"/proc/{pid}/exe").samefile(program):
                return pid
    return None


def kill(namespace: str, program: Path) -> None:
    """Kill what runs this program in a network namespace."""
    wanted = _identity(namespace_file(namespace))
    for pid in members(namespace):
        with suppress(OSError):
            if Path(f"/proc/{pid}/exe").samefile(program) and (handle := _kill(pid, wanted)):
                select.select([handle], [], [])
                os.close(handle)


def kill_all(namespace: str, seconds: float = 20.0) -> None:
    """Kill what runs in a network namespace, and wait until it has ended.

    A node's first process ends as the last of all that its node ran, pods included.

    Raises:
        TestbedError: Something did not die, or the killing process runs there itself.
    """
    wanted = _identity(namespace_file(namespace))
    if wanted is not None and wanted == _identity(Path("/proc/self/ns/net")):
        raise TestbedError("this command runs inside the testbed; run it outside of it")
    end = time.monotonic() + seconds
    while handles := [handle for pid in members(namespace) if (handle := _kill(pid, wanted))]:
        for handle in handles:
            ended = select.select([handle], [], [], max(0.0, end - time.monotonic()))[0]
            os.close(handle)
            if not ended:
                raise TestbedError(f"a process in {namespace} does not die of SIGKILL")


def _kill(pid: int, wanted: tuple[int, int] | None) -> int | None:
    """Kill a process; what tells of its end, or None when it is not the namespace's any more."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    # Asked again with the handle at hand: between the two the id may have become another's.
    if _identity(Path(f"/proc/{pid}/ns/net")) == wanted:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return handle
    os.close(handle)
    return None


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
