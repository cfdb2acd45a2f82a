"""The API server of the faults, and the table at the end of a run."""

import pytest
from tests.chaos.results import Row, Table, faults_table
from tests.integration.kube.conftest import apiserver, namespace

__all__ = ["apiserver", "namespace"]

_ROWS: dict[str, Row] = {}
_TABLES: list[Table] = []


@pytest.fixture(scope="session")
def rows() -> dict[str, Row]:
    """Where the run keeps what each kind of fault gave."""
    return _ROWS


@pytest.fixture(scope="session")
def tables() -> list[Table]:
    """Tables to be printed at the end of the run."""
    return _TABLES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _ROWS:
        _TABLES.insert(0, faults_table(_ROWS, "make chaos"))
    for table in _TABLES:
        terminalreporter.section(table.name)
        for line in table.lines():
            terminalreporter.write_line(line)
