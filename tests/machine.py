"""What the tests need of the machine, made ready before them: `python -m tests.machine`.

Belongs here: which tests need what, installing and building once what single tests would wait for,
and saying what has to be left out where that cannot be done. Not here: how each is made
(`tests.grid.build`, `tests.e2e.testbed`, `tests.e2e.images`).
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.e2e import images
from tests.e2e.testbed import Testbed, TestbedError, given_kubeconfig, programs, why_no_testbed
from tests.e2e.testbed import machine as debian
from tests.grid import build as member

__all__ = [
    "API_SERVER",
    "BROWSER",
    "DATABASE",
    "HELM",
    "LINUX",
    "MEMBERS",
    "PROMETHEUS",
    "lacking",
    "main",
    "need",
    "not_run",
]

LINUX = "Linux"
"""Stands among the programs for the kernel, whose own calls some tests make."""

BROWSER = ("chromium",)
API_SERVER = (LINUX, "etcd", "openssl", "go")
DATABASE = ("initdb", "postgres")
HELM = ("go",)
MEMBERS = member.PROGRAMS
PROMETHEUS = ("prometheus", "promtool")

_PURPOSES: tuple[tuple[str, tuple[str, ...], Callable[[], object] | None], ...] = (
    ("the router", ("haproxy",), None),
    ("pages in a browser", BROWSER, None),
    ("tests on a real grid", MEMBERS, member.build),
    ("the recipe for a database of one's own", DATABASE, None),
    ("tests of dashboards and alerts", PROMETHEUS, None),
    ("tests of the chart", HELM, partial(programs.build, "helm")),
    (
        "tests on a real API server",
        API_SERVER,
        partial(programs.build, "kubernetes", "helm", "metrics-server"),
    ),
)
"""What is tested, the programs that it needs, and what is then to be built."""


def lacking(*tools: str) -> str | None:
    """What of these is missing, as one sentence; None: nothing."""
    if LINUX in tools and sys.platform != "linux":
        return f"these tests need Linux, and this is {sys.platform}"
    return debian.lacking(*_programs(tools))


def need(*tools: str) -> None:
    """Skip the running test where one of these is missing."""
    if reason := lacking(*tools):
        pytest.skip(reason)


def not_run(what: str, reason: str) -> None:
    """Leave the reason, as one line, where `make test` finds it for its last lines."""
    note = f"not run: {what}: {' '.join(reason.split())}\n"
    if path := os.environ.get("IMMUTANT_NOT_RUN"):
        file = Path(path)
        if note not in (file.read_text() if file.exists() else ""):
            with file.open("a") as notes:
                notes.write(note)


def main() -> int:
    """Make everything ready that can be; the exit status."""
    for what, tools, make in _PURPOSES:
        if reason := _provide(tools):
            not_run(what, reason)
        elif make is not None:
            _make(make)
    if given_kubeconfig() is None and why_no_testbed() is None:
        _make(Testbed().build)
        _make(images.build_all)
    return 0


def _provide(tools: tuple[str, ...]) -> str | None:
    """As root on Debian, install what is missing; why it still is, or None.

    One package that cannot be had takes nothing else with it than what needs it.
    """
    if lacking(*tools) and debian.can_install():
        try:
            debian.provide(*_programs(tools))
        except TestbedError as error:
            return str(error)
    return lacking(*tools)


def _programs(tools: tuple[str, ...]) -> list[str]:
    return [tool for tool in tools if tool != LINUX]


def _make(make: Callable[[], object]) -> None:
    try:
        make()
    except TestbedError as error:
        sys.exit(f"machine: {error}")


if __name__ == "__main__":
    sys.exit(main())
