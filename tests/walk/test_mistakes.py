"""What a user does wrong is answered by one sentence with the remedy, and nothing is lost by it."""

import socket
import sqlite3
import subprocess
from pathlib import Path

import pytest
from tests.log import numbers
from tests.walk.laptop import IMMUTANT, laptop

DEMO = Path(__file__).parents[2] / "examples" / "cluster-demo" / "app.py"
EX_CONFIG = 78
HEAD = 'from immutant import App\napp = App("x")\n'


def refused(folder: Path, *arguments: str) -> str:
    """What `immutant run` says before it ends with EX_CONFIG by itself."""
    done = subprocess.run(
        [*IMMUTANT, "run", *arguments, "--no-reload"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == EX_CONFIG, said
    assert "Traceback" not in said or "mend this first" in said
    return said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module_here\n", "No module named 'no_such_module_here'"),
        (
            HEAD + "@app.daemon\ndef a(): ...\n@app.daemon(name='a')\ndef b(): ...\n",
            "defined twice",
        ),
        (HEAD + "@app.job(cron='61 * * * *')\ndef a(): ...\n", "write five fields"),
        ("x = 1\n", "defines no application"),
    ],
)
def test_an_application_that_cannot_be_is_refused(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "app.py").write_text(source)
    assert said in refused(tmp_path, "app.py", "--port", "0")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "there is no file app.py" in refused(tmp_path, "--port", "0")


def test_a_port_that_is_taken_is_said_with_another_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(tmp_path, str(DEMO), "--port", str(port))
    assert str(port) in said
    assert "--port" in said


def test_a_second_run_on_the_same_state_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with laptop(tmp_path, DEMO, 1) as run:
        run.wait_for("send", 1)
        assert "--state" in refused(tmp_path, str(DEMO), "--port", "0")
        run.wait_for("send", 2)


def test_a_state_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    state = tmp_path / ".immutant"
    state.mkdir()
    file = state / "state.db"
    file.write_bytes(b"these are my own notes\n" * 100)
    said = refused(tmp_path, str(DEMO), "--port", "0")
    assert "state.db" in said
    assert file.read_bytes() == b"these are my own notes\n" * 100


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    state = tmp_path / ".immutant"
    state.mkdir()
    with sqlite3.connect(state / "state.db") as theirs:
        theirs.execute("CREATE TABLE photos (name)")
    theirs.close()
    before = (state / "state.db").read_bytes()
    assert "state.db" in refused(tmp_path, str(DEMO), "--port", "0")
    assert (state / "state.db").read_bytes() == before


def test_a_broken_edit_leaves_the_running_version_serving(tmp_path: Path) -> None:
    source = DEMO.read_text()
    (tmp_path / "app.py").write_text(source)
    with laptop(tmp_path, tmp_path / "app.py", 2, "--reload") as run:
        run.wait_for("send", 1)
        (tmp_path / "app.py").write_text("1 / 0\n")
        run.until(lambda: any("ZeroDivisionError" in line.text for line in run.lines), "it is said")
        run.wait_for("send", 3)
        (tmp_path / "app.py").write_text(source.replace('f"send {number}"', 'f"sent {number}"'))
        sent = run.wait_for("sent", 2)
        seen = numbers(run.said("send")) + numbers(sent)
        assert seen == list(range(len(seen))), "a reload hands over, it loses and repeats nothing"
