"""What the machine must be and have.

Belongs here: the checks, each with its sentence, and which Debian package has which program: for
all tests, since several need the same. Not here: anything about Kubernetes.
"""

import contextlib
import functools
import glob
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.e2e.testbed.errors import TestbedError

__all__ = [
    "CNI_PLUGINS",
    "can_install",
    "install",
    "lacking",
    "prepare",
    "provide",
    "where",
    "why_not",
]

CNI_PLUGINS = Path("/usr/lib/cni")

_TESTBED = {
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
_PACKAGES = {
    **_TESTBED,
    "go": "golang-go",
    "chromium": "chromium",
    "haproxy": "haproxy",
    "javac": "default-jdk-headless",
    "mvn": "maven",
    "initdb": "postgresql",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "postgres": "postgresql",
}
_SERVERS = "/usr/lib/postgresql/*/bin"
"""Debian keeps the programs of PostgreSQL's server out of the PATH, a folder a version."""

_NO_DATABASE = Path("/etc/postgresql-common/createcluster.d/immutant-tests.conf")
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
    denied = [name for name, bit in _ADMINISTRATION.items() if not _capabilities() >> bit & 1]
    if denied:
        return (
            f"the testbed needs {' and '.join(denied)}, which root does not have here; "
            "run it in a virtual machine or a privileged container"
        )
    return None if can_install() else lacking(*_TESTBED, "go")


def prepare() -> None:
    """Check the machine, and install what it lacks.

    Raises:
        TestbedError: It cannot run the testbed.
    """
    reason = why_not()
    if reason:
        raise TestbedError(reason)
    provide(*_TESTBED)


def lacking(*programs: str) -> str | None:
    """What of these is missing, as one sentence with the packages; None: nothing."""
    missing = _missing(programs)
    if not missing:
        return None
    packages = " ".join(_packages(missing))
    return f"there is no {' and no '.join(missing)} here; install it (Debian's {packages})"


def can_install() -> bool:
    """Whether this is root on Debian."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def provide(*programs: str) -> None:
    """Install what is missing of these.

    Raises:
        TestbedError: There is no apt-get, or it failed.
    """
    if missing := _missing(programs):
        install(_packages(missing))


def install(packages: Sequence[str]) -> None:
    """Install Debian packages.

    Raises:
        TestbedError: There is no apt-get, or it failed.
    """
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise TestbedError(f"install what the Debian packages {names} hold; there is no apt-get")
    print(f"installing {names}", flush=True)
    _update()
    with _making_no_database() if "postgresql" in packages else contextlib.nullcontext():
        _apt("install", "-y", "--no-install-recommends", *packages)


def where(program: str) -> str | None:
    """The path of an installed program; None: it is not there."""
    servers = sorted(glob.glob(_SERVERS), reverse=True)  # noqa: PTH207 - a pattern from the root
    return shutil.which(program) or shutil.which(program, path=os.pathsep.join(servers))


@contextlib.contextmanager
def _making_no_database() -> Iterator[None]:
    """Within the context Debian's package makes no database of its own, and starts no service."""
    _NO_DATABASE.parent.mkdir(parents=True, exist_ok=True)
    _NO_DATABASE.write_text("create_main_cluster = false\n")
    try:
        yield
    finally:
        _NO_DATABASE.unlink()


@functools.cache
def _update() -> None:
    """Once a process: the lists do not change between two installations of a run."""
    _apt("update")


def _apt(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ended = subprocess.run(
        ["apt-get", "-qq", *arguments], env=environment, capture_output=True, check=False
    )
    if ended.returncode:
        said = ended.stderr.decode().strip()
        raise TestbedError(f"`apt-get {' '.join(arguments)}` failed: {said}")


def _missing(programs: Sequence[str]) -> list[str]:
    return [program for program in programs if where(program) is None]


def _packages(programs: Sequence[str]) -> list[str]:
    return sorted({_PACKAGES[program] for program in programs})


def _capabilities() -> int:
    found = re.search(r"^CapEff:\s*(\w+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1], 16) if found else 0
