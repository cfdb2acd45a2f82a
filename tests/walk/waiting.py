"""Waiting for what the witness sees."""

import time
from collections.abc import Callable
from pathlib import Path

from witness import Event, witnessed

PATIENCE = 20.0


def await_event(
    witness: Path, done: Callable[[list[Event]], bool], patience: float = PATIENCE
) -> None:
    """Wait until the witness has seen what is waited for."""
    deadline = time.monotonic() + patience
    while not done(witnessed(witness)):
        assert time.monotonic() < deadline, [*witnessed(witness)[-8:]]
        time.sleep(0.05)
