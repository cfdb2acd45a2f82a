"""The API server of the faults, and the table at the end of a run."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.results import Row, Table, faults_table, report
from tests.chaos.settings import HOW, LONG
from tests.gathering import Gathering
from tests.integration.kube.conftest import apiserver, namespace

__all__ = ["apiserver", "namespace"]

_ROWS: dict[str, Row] = {}
_TABLES: dict[str, Table] = {}


@pytest.fixture(scope="session")
def rows() -> dict[str, Row]:
    """Where the run keeps what each kind of fault gave."""
    return _ROWS


@pytest.fixture(scope="session")
def tables() -> dict[str, Table]:
    """Tables by name, to be printed at the end of the run and kept."""
    return _TABLES


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """A folder whose path is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as folder:
        yield Path(folder)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Gathering("rows of faults", _ROWS))
    config.pluginmanager.register(Gathering("tables of faults", _TABLES))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _ROWS:
        _TABLES["faults"] = faults_table(_ROWS, HOW)
    report(terminalreporter, _TABLES, keep=LONG)
