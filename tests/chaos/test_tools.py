"""The harness's own tools do what they say: the calendar, the cable, the containers, the table."""

import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.chaos.cable import Cable, Cut
from tests.chaos.calendar import Calendar
from tests.chaos.containers import Container, send
from tests.chaos.results import Row, faults_table
from tests.chaos.witness import Witness
from tests.processes import free_port, process_group

HOUR = 3600
_CLOCKS = """
import datetime, sys, time
for _ in sys.stdin:
    print(time.time(), datetime.datetime.now().timestamp(), time.monotonic(), flush=True)
"""


@pytest.mark.skipif(Calendar.why_none() is not None, reason="no C compiler; install gcc")
def test_a_calendar_is_set_under_a_process_that_runs_and_no_other_clock_is(tmp_path: Path) -> None:
    calendar = Calendar(tmp_path / "calendar")
    with subprocess.Popen(
        [sys.executable, "-c", _CLOCKS],
        env=os.environ | calendar.environ(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        for step in (0, HOUR, -HOUR):
            calendar.step(step)
            process.stdin.write("\n")
            process.stdin.flush()
            wall, date, monotonic = map(float, process.stdout.readline().split())
            assert abs(wall - time.time() - step) < 5
            assert abs(date - time.time() - step) < 5
            assert abs(monotonic - time.monotonic()) < 5
        process.stdin.close()


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while line := self.rfile.readline():
            self.server.heard.append(line)  # type: ignore[attr-defined]
            self.wfile.write(line)


@pytest.fixture
def echo() -> Iterator[socketserver.ThreadingTCPServer]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        server.heard = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cable(echo: socketserver.ThreadingTCPServer) -> Iterator[Cable]:
    cable = Cable(free_port(), echo.server_address[1])
    yield cable
    cable.close()


@pytest.mark.parametrize(
    ("kind", "heard_meanwhile", "comes_late"),
    [(Cut.LATE, False, True), (Cut.LOST, False, False), (Cut.DEAF, True, True)],
)
def test_a_cut_cable_holds_bytes_back_or_loses_them(
    echo: socketserver.ThreadingTCPServer,
    cable: Cable,
    kind: Cut,
    heard_meanwhile: bool,
    comes_late: bool,
) -> None:
    heard: list[bytes] = echo.heard  # type: ignore[attr-defined]
    with socket.create_connection(("127.0.0.1", cable.port), 5) as pod:
        pod.sendall(b"before\n")
        assert pod.recv(100) == b"before\n"
        cable.cut(kind)
        pod.sendall(b"during\n")
        pod.settimeout(0.3)
        with pytest.raises(TimeoutError):
            pod.recv(100)
        assert (b"during\n" in heard) is heard_meanwhile
        cable.heal()
        pod.settimeout(5)
        assert _received(pod) == (b"during\n" if comes_late else b"")
        assert (b"during\n" in heard) is comes_late


def test_a_forgotten_connection_stays_open_and_carries_nothing_and_a_new_one_does(
    cable: Cable,
) -> None:
    with socket.create_connection(("127.0.0.1", cable.port), 5) as old:
        old.sendall(b"before\n")
        assert old.recv(100) == b"before\n"
        cable.cut(Cut.FORGOTTEN)
        cable.heal()
        old.sendall(b"during\n")
        with socket.create_connection(("127.0.0.1", cable.port), 5) as new:
            new.sendall(b"new\n")
            assert new.recv(100) == b"new\n"
        old.settimeout(0.3)
        with pytest.raises(TimeoutError):
            old.recv(100)


def _received(pod: socket.socket) -> bytes:
    """What comes next; nothing where the connection has ended, however it did."""
    try:
        return pod.recv(100)
    except ConnectionResetError:
        return b""


def test_a_container_is_started_again_after_a_kill_and_not_after_its_end(tmp_path: Path) -> None:
    with process_group() as group:
        container = Container(["sleep", "60"], os.environ, tmp_path / "log", group)
        container.start()
        (first,) = container.processes()
        send([first], signal.SIGKILL)
        deadline = time.monotonic() + 10
        while container.processes() in ([], [first]):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        container.close()
        assert container.processes() == []


def test_a_table_sums_up_and_says_the_least_the_median_and_the_most() -> None:
    table = faults_table({"pod killed": Row(3, takeovers=[4.0, 6.0, 5.0])}, "make chaos")
    assert list(table.rows[0]) == ["pod killed", *"330000", "4.00", "5.00", "6.00"]
    assert list(table.rows[1])[:3] == ["all", "3", "3"]


def test_a_witness_waits_for_what_is_said_and_not_for_ever(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "witness")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            for token in (3, 5):
                word = f"beat daemon.red {token} pod p{token} 0 1.0 0 0"
                speaker.sendto(word.encode(), str(witness.address))
        assert witness.until(lambda: witness.tenure("daemon.red") == 5, 10)
        assert witness.began("daemon.red", after=3) == witness.words[1].at
        assert witness.began("daemon.red", after=5) is None
        assert not witness.until(lambda: len(witness.words) > 2, 0.1)
    finally:
        witness.close()
