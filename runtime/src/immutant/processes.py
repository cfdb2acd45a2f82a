"""What all of Immutant's processes do alike: end when told to, say what went wrong, exit codes."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable

from immutant.errors import ConfigurationError, ImmutantError

__all__ = ["ENDING", "EX_CONFIG", "EX_SOFTWARE", "ending", "say", "status_of", "told"]

EX_CONFIG = os.EX_CONFIG
"""The user's own mistake: starting again as it is would fail again."""

EX_SOFTWARE = os.EX_SOFTWARE
"""Something failed that may go better next time."""


ENDING = (signal.SIGTERM, signal.SIGINT)
"""What tells a process to end."""


def ending(lifeline: int | None) -> asyncio.Event:
    """An event that is set by SIGTERM or SIGINT, or when the parent is gone.

    Args:
        lifeline: A file descriptor that reads end of file once the parent has died; None: there
            is no parent to follow.
    """
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    for number in ENDING:
        loop.add_signal_handler(number, end.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # one may wait: `immutant.stopped`
    os.register_at_fork(after_in_child=_be_ordinary)
    if lifeline is not None:

        def follow() -> None:
            loop.remove_reader(lifeline)
            end.set()

        loop.add_reader(lifeline, follow)
    return end


def _be_ordinary() -> None:
    """A process that user code forks must die of SIGTERM itself.

    It inherits asyncio's handlers and the pipe that wakes the loop: a signal meant for it would end
    this replica instead.
    """
    signal.set_wakeup_fd(-1)
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)


def say(sentence: str) -> None:
    """Tell the user, on standard error."""
    print(f"immutant: {sentence}", file=sys.stderr, flush=True)  # noqa: T201


def told(error: ImmutantError) -> int:
    """Tell the user what went wrong; the exit status that goes with it."""
    say(str(error))
    return EX_CONFIG if isinstance(error, ConfigurationError) else EX_SOFTWARE


def status_of(work: Callable[[], int]) -> int:
    """Do a process's work: its exit status, or that of what went wrong, which is told."""
    try:
        return work()
    except ImmutantError as error:
        return told(error)
