"""What can go wrong with the testbed, as sentences for the person at the terminal.

Belongs here: the one error class and the waiting that ends in it. Not here: what is waited for.
"""

import time
from collections.abc import Callable

__all__ = ["TestbedError", "wait_until"]


class TestbedError(Exception):
    """The testbed cannot do what it was asked to; its text says why and what to do."""

    __test__ = False  # pytest would collect it by its name


def wait_until(what: str, ready: Callable[[], bool], seconds: float, where: str) -> None:
    """Ask `ready` until it says yes.

    Args:
        what: What is waited for, as the beginning of a sentence.
        seconds: How long, at most.
        where: Where to look when it does not come.

    Raises:
        TestbedError: It did not come in time.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TestbedError(f"{what} did not come in {seconds:.0f} s; look into {where}")
        time.sleep(0.1)
