"""What the tests need of the machine, made ready before them: `python -m tests.machine`.

Belongs here: installing and building once what single tests would wait for, and saying what has to
be left out where that cannot be done. Not here: how each is made (`tests.grid.build`,
`tests.e2e.testbed`, `tests.e2e.images`).
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e import images
from tests.e2e.testbed import Testbed, TestbedError, given_kubeconfig, programs, why_no_testbed
from tests.e2e.testbed.machine import install
from tests.grid import build as member

__all__ = ["main", "need", "not_run"]

_PACKAGES = {
    "haproxy": "haproxy",
    "etcd": "etcd-server",
    "mvn": "maven",
    "javac": "openjdk-17-jdk-headless",
    "go": "golang-go",
}
"""Debian's packages, by the program that is looked for."""

API_SERVER = ("etcd", "go")
MEMBERS = ("mvn", "javac")


def lacking(*tools: str) -> str | None:
    """What of these programs is missing, as one sentence; None: nothing."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if not missing:
        return None
    packages = " ".join(_PACKAGES[tool] for tool in missing)
    return f"there is no {' and no '.join(missing)} here; install it (Debian's {packages})"


def need(*tools: str) -> None:
    """Skip the running test where one of these programs is missing."""
    if reason := lacking(*tools):
        pytest.skip(reason)


def not_run(what: str, reason: str) -> None:
    """Leave the reason where `make test` finds it for its last lines."""
    note = f"not run: {what}: {reason}\n"
    if path := os.environ.get("IMMUTANT_NOT_RUN"):
        file = Path(path)
        if note not in (file.read_text() if file.exists() else ""):
            with file.open("a") as notes:
                notes.write(note)


def main() -> int:
    """Make everything ready that can be; the exit status."""
    _install()
    for what, tools, make in (
        ("the router's configuration", ("haproxy",), None),
        ("tests on a real grid", MEMBERS, member.build),
        ("tests on a real API server", API_SERVER, programs.build),
    ):
        if reason := lacking(*tools):
            not_run(what, reason)
        elif make is not None:
            _make(make)
    if given_kubeconfig() is None and why_no_testbed() is None:
        _make(Testbed().build)
        _make(images.build_all)
    return 0


def _install() -> None:
    """As root on Debian, install what is missing."""
    missing = [package for tool, package in _PACKAGES.items() if shutil.which(tool) is None]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install(missing)


def _make(make: Callable[[], object]) -> None:
    try:
        make()
    except TestbedError as error:
        sys.exit(f"machine: {error}")


if __name__ == "__main__":
    sys.exit(main())
