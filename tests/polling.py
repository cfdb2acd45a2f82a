"""Looking again and again for what other processes tell nobody."""

import time
from collections.abc import Callable

__all__ = ["until"]


def until(done: Callable[[], bool], what: str, patience: float, poll: float) -> float:
    """Look every `poll` seconds until something holds; how many seconds it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < patience, f"not within {patience:g} s: {what}"
        time.sleep(poll)
    return time.monotonic() - began
