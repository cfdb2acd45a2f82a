"""A prompt's terminal, as far as it needs none."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from immutant.console.terminal import _interrupts_to, _Terminal


def test_ctrl_c_after_the_end_of_what_is_typed_ends_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rb") as lines, Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        terminal = _Terminal(ours, lines)
        with _interrupts_to(terminal):
            assert terminal._read(">>> ") is None
            signal.raise_signal(signal.SIGINT)
