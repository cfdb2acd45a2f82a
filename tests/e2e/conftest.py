"""The cluster of the end-to-end tests: the one that KUBECONFIG names, or the project's testbed.

Without either the tests are skipped, with the reason; `make test` repeats it in its last lines.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.cluster import Cluster
from tests.e2e.figures import Figures
from tests.e2e.installation import given_cluster, testbed_cluster
from tests.e2e.testbed import Testbed, given_kubeconfig, why_no_testbed

_FIGURES = Figures()


@pytest.fixture(scope="session")
def figures() -> Figures:
    """What the run measures; printed at its end."""
    return _FIGURES


@pytest.fixture(scope="session")
def cluster(figures: Figures) -> Iterator[Cluster]:
    """A cluster on which the chart is installed."""
    given = given_kubeconfig()
    if given is None and (reason := why_no_testbed()):
        _say_not_run(reason)
        pytest.skip(reason)
    with testbed_cluster(figures) if given is None else given_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def testbed(cluster: Cluster) -> Testbed:
    """The testbed, for faults of its nodes."""
    if reason := why_no_testbed():
        _say_not_run(f"faults of nodes: {reason}")
        pytest.skip(reason)
    return Testbed()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _FIGURES.noted:
        terminalreporter.section("measured")
        for what, figure in _FIGURES.noted.items():
            terminalreporter.write_line(f"{what}: {figure}")


def _say_not_run(reason: str) -> None:
    """Leave the reason where `make test` finds it for its last lines."""
    if path := os.environ.get("IMMUTANT_NOT_RUN"):
        note = f"not run, end to end: {reason}\n"
        file = Path(path)
        if note not in (file.read_text() if file.exists() else ""):
            with file.open("a") as notes:
                notes.write(note)
