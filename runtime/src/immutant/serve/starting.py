"""Starting the supervisor and its child; importing an application only to see that it can be."""

import asyncio
import os
import sys

from immutant.contract.environment import Environment

__all__ = ["check", "serve"]


def serve(entrypoint: str) -> int:
    """Supervise the application in a child process; the exit status.

    The child is forked before this process does anything, so that it inherits two pipes and
    nothing else: one to report its tenures, one that ends with this process.
    """
    environment = Environment.read()
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

    return asyncio.run(supervise(environment, child, report_in))


def check(entrypoint: str) -> int:
    """Import the application and nothing else; the exit status."""
    from immutant.serve.loading import load_app

    load_app(entrypoint)
    return os.EX_OK


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
