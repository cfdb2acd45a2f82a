"""What all of Immutant's processes do alike: end when told to, say what went wrong, exit codes."""

import asyncio
import os
import signal
import sys

__all__ = ["EX_CONFIG", "EX_SOFTWARE", "ending", "say"]

EX_CONFIG = os.EX_CONFIG
"""The user's own mistake: starting again as it is would fail again."""

EX_SOFTWARE = os.EX_SOFTWARE
"""Something failed that may go better next time."""


def ending(lifeline: int | None) -> asyncio.Event:
    """An event that is set by SIGTERM or SIGINT, or when the parent is gone.

    Args:
        lifeline: A file descriptor that reads end of file once the parent has died; None: there
            is no parent to follow.
    """
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if lifeline is not None:

        def follow() -> None:
            loop.remove_reader(lifeline)
            end.set()

        loop.add_reader(lifeline, follow)
    return end


def say(sentence: str) -> None:
    """Tell the user, on standard error."""
    print(f"immutant: {sentence}", file=sys.stderr, flush=True)  # noqa: T201
