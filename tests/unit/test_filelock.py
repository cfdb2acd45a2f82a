import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from immutant import filelock
from immutant.errors import LockHeldError


def test_a_held_lock_is_refused_to_others_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = filelock.hold(path)
    assert lock.path == path
    assert not filelock.is_free(path)
    for shared in (False, True):
        with pytest.raises(LockHeldError, match=str(path)):
            filelock.hold(path, shared=shared)
    lock.release()
    lock.release()
    assert filelock.is_free(path)
    filelock.hold(path).release()


def test_shared_locks_go_together_and_keep_exclusive_ones_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first, second = filelock.hold(path, shared=True), filelock.hold(path, shared=True)
    first.release()
    assert not filelock.is_free(path)
    with pytest.raises(LockHeldError):
        filelock.hold(path)
    second.release()
    assert filelock.is_free(path)


def test_who_waits_is_woken_by_the_release(tmp_path: Path) -> None:
    lock = filelock.hold(tmp_path / "lock")
    thread = threading.Thread(target=filelock.wait_until_free, args=[tmp_path / "lock"])
    thread.start()
    thread.join(0.1)
    assert thread.is_alive()
    lock.release()
    thread.join(5)
    assert not thread.is_alive()


def test_a_lock_that_was_never_held_is_free_and_nothing_to_wait_for(tmp_path: Path) -> None:
    assert filelock.is_free(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        filelock.wait_until_free(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_lock_on_a_file_that_was_removed_is_taken_on_a_new_one(tmp_path: Path) -> None:
    former = filelock.hold(tmp_path / "lock")
    (tmp_path / "lock").unlink()
    latter = filelock.hold(tmp_path / "lock")
    former.release()
    assert not filelock.is_free(tmp_path / "lock")
    latter.release()


def test_children_do_not_keep_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, subprocess, sys; from immutant import filelock;"
        "lock = filelock.hold(pathlib.Path(sys.argv[1]));"
        "started = subprocess.Popen([sys.executable, '-c', 'input()']).pid; forked = os.fork();"
        "forked and print(started, forked, flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        children = [int(pid) for pid in process.stdout.readline().split()]
        process.kill()
        filelock.wait_until_free(tmp_path / "lock")
        for child in children:
            os.kill(child, signal.SIGKILL)


def test_the_kernel_releases_the_lock_of_a_killed_process(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from immutant import filelock;"
        "lock = filelock.hold(pathlib.Path(sys.argv[1])); print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert not filelock.is_free(tmp_path / "lock")
        process.kill()
        filelock.wait_until_free(tmp_path / "lock")
