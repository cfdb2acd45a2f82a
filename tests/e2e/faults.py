"""Faults that need the machine which the nodes run on: here, in the testbed.

Belongs here: killing and freezing what runs in a pod. Not here: cutting and crashing nodes; that is
the testbed's (`tests.e2e.testbed`).
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def kill_pod(pod: Any) -> float:
    """SIGKILL every process of a pod, as nearly at once as can be; when, since the epoch."""
    return send(signal.SIGKILL, processes(pod))


def processes(pod: Any, *containers: str) -> list[int]:
    """The processes of a pod, or of some of its containers, as this machine numbers them."""
    identities = _containers(pod, *containers) if containers else [pod["metadata"]["uid"]]
    # An empty identity would be every process of the machine.
    assert identities, f"{containers} of {pod['metadata']['name']} do not run"
    assert all(identities), f"{containers} of {pod['metadata']['name']} do not run"
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    groups = {int(entry.name): _cgroup(entry) for entry in entries}
    found = [pid for pid, group in groups.items() if any(one in group for one in identities)]
    assert found, f"nothing of {pod['metadata']['name']} {containers} runs on this machine"
    return found


def send(number: signal.Signals, to: list[int]) -> float:
    """Send a signal to processes; when, since the epoch."""
    sent = time.time()
    for pid in to:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return sent


def _containers(pod: Any, *names: str) -> list[str]:
    """The runtime's ids of containers; sidecars are init containers that are restarted."""
    status = pod["status"]
    all_of_them = [*status["containerStatuses"], *status.get("initContainerStatuses", [])]
    named = [one for one in all_of_them if one["name"] in names]
    return [one.get("containerID", "").partition("//")[2] for one in named]


def _cgroup(process: Path) -> str:
    with suppress(OSError):
        # systemd's way of naming a pod's group writes the dashes as underscores
        return (process / "cgroup").read_text().replace("_", "-")
    return ""
