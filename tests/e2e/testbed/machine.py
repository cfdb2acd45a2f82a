"""What the machine must be and have.

Belongs here: the checks, each with its sentence, and installing Debian packages. Not here: anything
about Kubernetes.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.testbed.errors import TestbedError

__all__ = ["CNI_PLUGINS", "install", "prepare", "why_not"]

CNI_PLUGINS = Path("/usr/lib/cni")

_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "etcd": "etcd-server",
    "ip": "iproute2",
    "bridge": "iproute2",
    "nft": "nftables",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "sysctl": "procps",
    "openssl": "openssl",
    str(CNI_PLUGINS / "ptp"): "containernetworking-plugins",
}
_ADMINISTRATION = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}


def why_not() -> str | None:
    """Why this machine cannot run the testbed, as one sentence; None if it can."""
    if sys.platform != "linux":
        return (
            f"the testbed needs Linux for its network namespaces, and this is {sys.platform}; "
            "set KUBECONFIG to use a cluster that exists"
        )
    if os.geteuid() != 0:
        return (
            "the testbed needs root, since it makes network namespaces, mounts and control "
            "groups; run it with sudo, or set KUBECONFIG to use a cluster that exists"
        )
    lacking = [name for name, bit in _ADMINISTRATION.items() if not _capabilities() >> bit & 1]
    if lacking:
        return (
            f"the testbed needs {' and '.join(lacking)}, which root does not have here; "
            "run it in a virtual machine or a privileged container"
        )
    return None


def prepare() -> None:
    """Check the machine, and install what it lacks.

    Raises:
        TestbedError: It cannot run the testbed.
    """
    reason = why_not()
    if reason:
        raise TestbedError(reason)
    missing = {package for program, package in _PACKAGES.items() if shutil.which(program) is None}
    if missing:
        install(sorted(missing))


def install(packages: Sequence[str]) -> None:
    """Install Debian packages.

    Raises:
        TestbedError: There is no apt-get, or it failed.
    """
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise TestbedError(f"install what the Debian packages {names} hold; there is no apt-get")
    print(f"installing {names}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        ended = subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, capture_output=True, check=False
        )
        if ended.returncode:
            raise TestbedError(f"`apt-get install {names}` failed: {ended.stderr.decode().strip()}")


def _capabilities() -> int:
    found = re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1], 16) if found else 0
