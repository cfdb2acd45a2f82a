import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from immutant import __version__
from immutant.run.listener import listen
from immutant.run.places import claim


def immutant(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "immutant", *arguments]
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "KUBECONFIG": str(cwd / "nothing"), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").touch()
    return tmp_path


def test_the_version_is_printed(folder: Path) -> None:
    assert immutant("--version", cwd=folder).stdout == f"immutant {__version__}\n"


def test_the_help_names_every_command(folder: Path) -> None:
    said = immutant("--help", cwd=folder).stdout
    for command in ("new", "run", "gears", "stop", "start", "scale", "logs", "doctor"):
        assert f"\n  {command} " in said


def test_a_port_that_is_taken_is_refused_before_anything_starts(folder: Path) -> None:
    with closing(listen("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = immutant("run", "--port", port, cwd=folder)
    assert ended.returncode == 78
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"immutant: port {port} of 127.0.0.1 is taken")
    assert "Traceback" not in ended.stderr


def test_a_state_folder_in_use_is_refused(folder: Path) -> None:
    with claim(folder / ".immutant"):
        ended = immutant("run", "--port", "0", cwd=folder)
    assert ended.returncode == 78
    assert "another `immutant run` uses" in ended.stderr


def test_a_missing_application_is_refused(folder: Path) -> None:
    ended = immutant("run", "web.py", cwd=folder)
    assert ended.returncode == 78
    assert "there is no file web.py" in ended.stderr


@pytest.mark.parametrize("command", [["gears"], ["stop", "demo-0"], ["scale", "2"]])
def test_a_command_without_a_run_says_how_to_start_one(folder: Path, command: list[str]) -> None:
    ended = immutant(*command, cwd=folder)
    assert ended.returncode == 2
    assert "start one with `immutant run app.py`" in ended.stderr


def test_without_kubectl_it_says_where_to_get_it(folder: Path) -> None:
    ended = immutant("apps", cwd=folder, PATH=str(folder))
    assert ended.returncode == 2
    assert "kubectl is not on the PATH" in ended.stderr
    assert "https://kubernetes.io/docs/tasks/tools/" in ended.stderr


def test_wrong_usage_is_explained(folder: Path) -> None:
    ended = immutant("scale", "none", cwd=folder)
    assert ended.returncode == 2
    assert "Usage:" in ended.stderr
