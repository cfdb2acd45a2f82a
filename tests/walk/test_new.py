"""From nothing: `immutant new`, its tests, and the app as it runs."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.walk.laptop import IMMUTANT, laptop


def new(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [*IMMUTANT, "new", name]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_new_app_passes_its_own_tests_and_runs_as_it_is(tmp_path: Path) -> None:
    made = new(tmp_path, "till")
    assert made.returncode == 0, made.stderr
    assert "immutant run app.py --replicas 2" in made.stdout
    folder = tmp_path / "till"
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout
    with laptop(folder, Path("app.py"), 2) as run:
        run.until_up(2)
        run.wait_for("handled", 2)
        run.wait_for("report")
        with urllib.request.urlopen(run.url("/"), timeout=5) as answer:
            shown = json.load(answer)
        assert shown["visits"] == 1
        assert shown["ordered"] >= 1
        assert run.interrupt() == 0


def test_a_name_that_cannot_be_and_a_folder_that_is_there_are_refused(tmp_path: Path) -> None:
    assert new(tmp_path, "till").returncode == 0
    again = new(tmp_path, "till")
    assert (again.returncode, again.stdout) == (78, "")
    assert again.stderr.startswith("immutant: till is there already")
    bad = new(tmp_path, "Till")
    assert (bad.returncode, bad.stdout) == (78, "")
    assert "write it as in my-app" in bad.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["till"]
