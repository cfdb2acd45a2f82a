"""Reading the words of an application under fault from the files that kubelets keep."""

import time
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.nodelogs import NodeLogs

SINGLETON = "daemon.red"
PATIENCE = 10.0


def line(token: int, begun: float, *, read_late: float = 0.0) -> str:
    """A line as the runtime writes it, of a beat that was begun then (boot clock)."""
    offset = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    stamp = datetime.fromtimestamp(begun + offset + read_late, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{stamp}789Z stdout F beat {SINGLETON} {token} - p{token} 0 {begun:.6f} 0 0\n"


def log_of(folder: Path, pod: str, uid: str) -> Path:
    path = folder / f"field_{pod}_{uid}" / "app" / "0.log"
    path.parent.mkdir(parents=True)
    return path


def test_words_are_read_as_they_come_with_their_pods_uid_and_rotated_files_to_their_end(
    tmp_path: Path,
) -> None:
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    log = log_of(tmp_path, "demo-0", "uid-0")
    log.write_text("2026-11-25T09:00:00.123456789Z stdout F web /\n" + line(1, now))
    with NodeLogs([tmp_path], "field") as logs:
        assert logs.until(lambda: len(logs.words) == 1, PATIENCE)
        with log.open("a") as file:
            half = line(1, now + 1)
            file.write(half[:30])
            file.flush()
            log.rename(log.with_suffix(".log.20261125"))
            log.write_text(line(2, now + 2))
            assert logs.until(lambda: len(logs.words) == 2, PATIENCE)
            file.write(half[30:])
            file.flush()
            assert logs.until(lambda: len(logs.words) == 3, PATIENCE)
    assert [word.said.pod for word in logs.words] == ["uid-0"] * 3
    assert [word.token for word in logs.in_order()] == [1, 1, 2]


def test_a_word_that_was_held_back_is_in_its_place_by_the_runtimes_stamp(tmp_path: Path) -> None:
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    log_of(tmp_path, "demo-0", "uid-0").write_text(line(1, now, read_late=7.0))
    log_of(tmp_path, "demo-1", "uid-1").write_text(line(2, now + 5, read_late=0.1))
    with NodeLogs([tmp_path], "field") as logs:
        assert logs.until(lambda: len(logs.words) == 2, PATIENCE)
    assert [word.token for word in logs.in_order()] == [2, 1]


def test_the_words_of_one_step_stay_in_their_turn(tmp_path: Path) -> None:
    now, steps = time.clock_gettime(time.CLOCK_BOOTTIME), range(200)
    words = [line(step, now + step / 100) for step in steps for _ in ("read", "wrote")]
    turns = [word.replace(" 0 0\n", f" {turn} 0\n") for turn, word in enumerate(words)]
    log_of(tmp_path, "demo-0", "uid-0").write_text("".join(turns))
    with NodeLogs([tmp_path], "field") as logs:
        assert logs.until(lambda: len(logs.words) == len(turns), PATIENCE)
    assert [word.number for word in logs.in_order()] == [*range(len(turns))]


def test_a_stall_of_the_disk_leaves_the_words_of_a_process_in_their_turn(tmp_path: Path) -> None:
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    first, second = line(1, now, read_late=0.6), line(1, now + 0.2, read_late=0.42)
    words = first.replace(" 0 0\n", " 1 0\n") + second.replace(" 0 0\n", " 2 0\n")
    log_of(tmp_path, "demo-0", "uid-0").write_text(words)
    with NodeLogs([tmp_path], "field") as logs:
        assert logs.until(lambda: len(logs.words) == 2, PATIENCE)
    assert [word.number for word in logs.in_order()] == [1, 2]


def test_what_the_kubelet_compresses_is_passed_over(tmp_path: Path) -> None:
    log = log_of(tmp_path, "demo-0", "uid-0")
    for name in ("0.log.20261125-090000.gz", "0.log.20261125-090000.tmp"):
        log.with_name(name).write_bytes(b"\x1f\x8b\n")
    with NodeLogs([tmp_path], "field") as logs:
        log.write_text(line(1, 1.0))
        assert logs.until(lambda: len(logs.words) == 1, PATIENCE)
