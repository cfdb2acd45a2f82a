import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from immutant.run.log import Log, wants_colour


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def read_all(pipe: tuple[int, int], size: int = 1 << 20) -> bytes:
    return os.read(pipe[0], size)


def test_each_line_has_its_replica_before_it(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    log.line("demo-0", b"send 1")
    log.line("demo-1", b"recv 1")
    log.say("done")
    log.close()
    assert read_all(pipe) == b"demo-0 | send 1\ndemo-1 | recv 1\nimmutant | done\n"


def test_a_replica_keeps_its_colour(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1], colour=True)
    for name in ("demo-0", "demo-1", "demo-0"):
        log.line(name, b"x")
    log.close()
    first, second, third = read_all(pipe).splitlines()
    assert first == third
    assert first.startswith(b"\x1b[")
    assert first.split(b"demo")[0] != second.split(b"demo")[0]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_off_a_terminal_is_by_request(
    pipe: tuple[int, int], environ: dict[str, str], expected: bool
) -> None:
    assert wants_colour(pipe[1], environ) is expected


def test_a_terminal_that_stands_still_holds_up_nobody_and_the_gap_is_counted() -> None:
    read, write = os.pipe()
    log = Log(write, capacity=300_000)
    for _ in range(1000):  # a pipe holds 64 KiB; nobody reads
        log.line("demo-0", b"x" * 1000)
    with ThreadPoolExecutor(1) as pool, os.fdopen(read, "rb") as terminal:
        shown = pool.submit(terminal.read)
        log.close()
        os.close(write)
        *lines, gap = shown.result().splitlines()
    assert gap.endswith(b"they came faster than they could be written")
    assert len(lines) + int(gap.split()[2]) == 1000


def test_nothing_is_lost_at_the_end(pipe: tuple[int, int]) -> None:
    log = Log(pipe[1])
    for number in range(2000):
        log.line("demo-0", b"%d" % number)
    log.close()
    assert len(read_all(pipe).splitlines()) == 2000


def test_who_started_the_run_learns_that_its_reader_has_gone() -> None:
    read, write = os.pipe()
    os.close(read)
    broken = threading.Event()
    log = Log(write, on_broken=broken.set)
    log.line("demo-0", b"nobody reads this")
    assert broken.wait(5)
    log.line("demo-0", b"nor this")
    log.close()
    os.close(write)
