"""Starting the supervisor and its child; importing an application only to see that it can be."""

import asyncio
import os
import signal
import sys
import time
from types import FrameType
from typing import Final, NoReturn

from immutant.contract.environment import Environment
from immutant.processes import ENDING
from immutant.stopped import Mark, begin_again

__all__ = ["check", "serve"]

_LOOK: Final = 0.2
"""Seconds from one look to the next of a replica that is stopped."""


def serve(entrypoint: str) -> int:
    """Supervise the application in a child process; the exit status.

    The child is forked before this process does anything, so that it inherits two pipes and
    nothing else: one to report its tenures, one that ends with this process. When the replica's
    part is stopped, the child ends, and this process begins again: it waits, without a child.
    """
    environment = Environment.read()
    mark = Mark(environment.app_lock)
    _wait_while_stopped(mark)
    report_in, report_out = os.pipe()
    lifeline_in, lifeline_out = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(report_in)
        os.close(lifeline_out)
        _become_child(entrypoint, report_out, lifeline_in)
    os.close(report_out)
    os.close(lifeline_in)
    from immutant.serve.supervisor import supervise

    status = asyncio.run(supervise(environment, child, report_in, mark))
    if status is None:
        begin_again()
    return status


def check(entrypoint: str) -> int:
    """Import the application and nothing else; the exit status."""
    from immutant.serve.loading import load_app

    load_app(entrypoint)
    return os.EX_OK


def _wait_while_stopped(mark: Mark) -> None:
    """Return once the replica is not, or no more, stopped; a signal to end ends the process."""
    if not mark.is_set:
        return

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        sys.exit(os.EX_OK)

    # As process 1 of a container it would not die of a signal that it does not handle.
    former = {number: signal.signal(number, end) for number in ENDING}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)  # one may wait: `immutant.stopped`
    while mark.is_set:
        time.sleep(_LOOK)
    for number, handler in former.items():
        signal.signal(number, handler)


def _become_child(entrypoint: str, report: int, lifeline: int) -> None:
    """Never returns: whatever happens, the child must not go on as its parent would."""
    status = os.EX_SOFTWARE
    try:
        from immutant.serve.child import run_child

        status = run_child(entrypoint, report, lifeline)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
