import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sharing import shared

USER = """
import sys
from pathlib import Path
from tests.sharing import shared

folder = Path(sys.argv[1])
log = folder / "log"

def say(word):
    with log.open("a") as file:
        file.write(word + " ")

with shared(folder, lambda: say("made"), lambda: say("removed")):
    print("uses", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def user(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that uses it until it hears a line, or is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "uses\n"
        try:
            yield process
        finally:
            process.communicate("end\n")


def said(folder: Path) -> str:
    return (folder / "log").read_text().strip()


def test_the_first_process_makes_it_and_the_last_removes_it(tmp_path: Path) -> None:
    with user(tmp_path):
        with user(tmp_path):
            assert said(tmp_path) == "made"
        assert said(tmp_path) == "made"
    assert said(tmp_path) == "made removed"


def test_what_a_killed_process_used_is_removed_by_the_one_that_is_left(tmp_path: Path) -> None:
    with user(tmp_path):
        with user(tmp_path) as killed:
            killed.kill()
        assert said(tmp_path) == "made"
    assert said(tmp_path) == "made removed"


def test_where_it_cannot_be_made_the_next_one_tries_again(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError

    made: list[str] = []
    for make in (fail, lambda: made.append("made")):
        try:
            with shared(tmp_path, make, lambda: made.append("removed")):
                pass
        except OSError:
            assert not made
    assert made == ["made", "removed"]
