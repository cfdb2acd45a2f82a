"""`immutant status` where nobody looks at a terminal; kubectl is a stand-in that prints a file."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import IO

import pytest
from tests.standins import kubectl

KUBECTL = """
import pathlib, sys
world = pathlib.Path({world!r})
if "pods" in sys.argv:
    print('{{"items": []}}')
elif (world / "away").exists():
    sys.exit("Unable to connect to the server: it is away")
else:
    print((world / "app.json").read_text())
"""
METADATA = {"name": "demo", "namespace": "apps", "uid": "1", "resourceVersion": "1"}
JOB = {"name": "ajob", "ended": "2026-08-01T06:00:00Z", "outcome": "ok", "running": 0}
PATIENCE = 30.0


def tell(world: Path, ready: str) -> None:
    status = {"ready": ready, "jobs": [JOB], "jobsAsOf": "2026-08-01T06:00:07Z"}
    fresh = world / "fresh.json"
    fresh.write_text(json.dumps({"metadata": METADATA, "status": status}))
    fresh.replace(world / "app.json")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    kubectl(tmp_path, KUBECTL.format(world=str(tmp_path)))
    tell(tmp_path, "1/2")
    return tmp_path


def command(world: Path) -> tuple[list[str], dict[str, str]]:
    path = f"{world / 'bin'}:{os.environ['PATH']}"
    environ = os.environ | {"PATH": path, "TZ": "UTC"}
    return [sys.executable, "-m", "immutant", "status", "demo"], environ


Line = Callable[[], str]


@contextmanager
def watched(world: Path) -> Iterator[tuple[Line, Line]]:
    """The next line of `status --watch`, of its output and of its errors."""
    typed, environ = command(world)
    with subprocess.Popen(
        [*typed, "--watch"],
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            yield lines(process.stdout), lines(process.stderr)
        finally:
            process.kill()


def lines(stream: IO[str]) -> Line:
    found: Queue[str] = Queue()

    def read() -> None:
        for line in stream:
            found.put(line)

    threading.Thread(target=read, daemon=True).start()
    return lambda: found.get(timeout=PATIENCE).rstrip("\n")


def until(line: Line, sign: str) -> list[str]:
    found = [line()]
    while sign not in found[-1]:
        found.append(line())
    return found


def test_a_pipe_gets_the_page_at_each_change_and_no_more(world: Path) -> None:
    with watched(world) as (said, _):
        assert "demo in apps  1/2" in until(said, "demo in apps")[-1]
        until(said, "as of")
        tell(world, "2/2")
        between = until(said, "demo in apps")
        assert "demo in apps  2/2" in between[-1]
        assert len(between) == 3, "a blank line, the time, and the new page"


def test_a_cluster_that_is_away_is_told_and_the_page_goes_on_once_it_is_back(world: Path) -> None:
    with watched(world) as (said, errors):
        until(said, "as of")
        (world / "away").touch()
        assert "not reached" in errors()
        tell(world, "2/2")
        (world / "away").unlink()
        assert "demo in apps  2/2" in until(said, "demo in apps")[-1]


def test_the_table_of_jobs_says_since_when_it_stands(world: Path) -> None:
    typed, environ = command(world)
    said = subprocess.run(typed, env=environ, capture_output=True, text=True, check=True).stdout
    assert "as of 2026-08-01 06:00:07, " in said
    assert "d ago; it is written anew once a minute at most" in said
    with watched(world) as (line, _):
        page = until(line, "as of")
    assert "ajob   2026-08-01 06:00:00   ok        0" in page
    assert page[-1] == "as of 2026-08-01 06:00:07; it is written anew once a minute at most"
