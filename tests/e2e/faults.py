"""Faults that need the machine which the nodes run on: here, in the testbed.

Belongs here: killing what runs in a pod. Not here: cutting and crashing nodes; that is the
testbed's (`tests.e2e.testbed`).
"""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any


def kill_pod(pod: Any) -> float:
    """SIGKILL every process of a pod, as nearly at once as can be; when, since the epoch."""
    identity = pod["metadata"]["uid"]
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = [int(entry.name) for entry in processes if identity in _cgroup(entry)]
    assert found, f"nothing of {pod['metadata']['name']} runs on this machine"
    killed = time.time()
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return killed


def _cgroup(process: Path) -> str:
    with suppress(OSError):
        # systemd's way of naming a pod's group writes the dashes as underscores
        return (process / "cgroup").read_text().replace("_", "-")
    return ""
