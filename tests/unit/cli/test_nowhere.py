"""Commands without a cluster to talk to; kubectl is a stand-in that says what it says then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.standins import kubectl

KUBECTL = """
import sys
if "create" in sys.argv:
    sys.exit(
        'error: error validating "STDIN": error validating data: failed to download openapi: Get '
        '"https://127.0.0.1:1/openapi/v2?timeout=32s": dial tcp 127.0.0.1:1: connect: connection '
        "refused; if you choose to ignore these errors, turn validation off with --validate=false"
    )
sys.exit(
    "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"
)
"""
ABOUT_CLUSTERS = ["doctor", "create demo", "delete demo --yes", "apps", "logs demo", "ssh demo-0"]


def typed(folder: Path, line: str, path: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "immutant", *line.split()],
        cwd=folder,
        env=os.environ | {"PATH": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    return kubectl(tmp_path, KUBECTL)


@pytest.mark.parametrize("line", ABOUT_CLUSTERS)
def test_where_no_cluster_is_reached_it_is_told_what_to_check_and_nothing_beside(
    tmp_path: Path, programs: Path, line: str
) -> None:
    code, said = typed(tmp_path, line, programs)
    assert code == 2
    assert "no cluster is reached: see that it answers (kubectl cluster-info)" in said
    assert "immutant run" not in said
    assert "--validate" not in said


@pytest.mark.parametrize("line", ["status", "gears", "stop demo-0", "queues", "scale 2"])
def test_what_works_on_this_machine_too_says_so(tmp_path: Path, programs: Path, line: str) -> None:
    code, said = typed(tmp_path, line, programs)
    assert code == 2
    assert "no `immutant run` is used here, and no cluster is reached" in said


@pytest.mark.parametrize("line", ["doctor", "status", "ssh demo-0"])
def test_without_kubectl_it_is_told_to_be_missing(tmp_path: Path, line: str) -> None:
    code, said = typed(tmp_path, line, tmp_path)
    assert code == 2
    assert "the program kubectl is not on the PATH" in said
    assert ("immutant run" in said) == (line == "status")
