import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import pytest
from tests.gathering import Gathering

kept = {}

@pytest.fixture(scope="session")
def measured():
    yield kept
    kept["the end"] = "of a worker"

def pytest_configure(config):
    config.pluginmanager.register(Gathering("figures", kept))

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"gathered {sorted(kept.items())}")
"""
TESTS = """
def test_one(measured):
    measured["one"] = 1

def test_other(measured):
    measured["other"] = {"seconds": [2.5]}
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_what_tests_measure_is_printed_whichever_process_ran_them(
    tmp_path: Path, workers: int
) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_measuring.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", str(workers), str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    expected = [("one", 1), ("other", {"seconds": [2.5]}), ("the end", "of a worker")]
    assert f"gathered {expected}" in run.stdout, run.stdout + run.stderr
