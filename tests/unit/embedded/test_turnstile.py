"""Whose turn it is, in the kernel's words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from immutant.embedded.turnstile import Turnstile

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux says who holds a lock")
def test_a_holder_that_froze_before_it_wrote_its_name_is_known(tmp_path: Path) -> None:
    turnstile = Turnstile(tmp_path / "writer")
    with turnstile:
        assert turnstile.holder() == os.getpid()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "writer")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout
        assert other.stdin
        assert other.stdout.readline() == b"held\n"
        assert turnstile.holder() == other.pid
        other.stdin.close()
    turnstile.close()


def test_without_the_kernels_word_the_written_name_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("immutant.embedded.turnstile._LOCKS", tmp_path / "none")
    turnstile = Turnstile(tmp_path / "writer")
    assert turnstile.holder() == 0
    with turnstile:
        assert turnstile.holder() == os.getpid()
    turnstile.close()
