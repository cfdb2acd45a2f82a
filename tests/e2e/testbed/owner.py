"""Whose testbed this machine's is: there is one, and one checkout runs it.

Belongs here: the lock while a verb changes it, and the owner in between. Not here: the changes.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.layout import CHECKOUT, CONTROL_PLANE_NAMESPACE, LOCK, STATE
from tests.e2e.testbed.processes import members

__all__ = ["changing", "claim", "refuse_others"]

_OWNER = STATE / "owner"


@contextmanager
def changing() -> Iterator[None]:
    """Keep other command lines out while the testbed is changed; the kernel ends it with us.

    Raises:
        TestbedError: Another one changes it now.
    """
    with LOCK.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TestbedError(
                "another command changes the testbed of this machine now; wait for its end"
            ) from None
        yield


def refuse_others() -> None:
    """Refuse to touch what another checkout runs.

    One that is gone does not count, nor one of whose testbed nothing runs any more.

    Raises:
        TestbedError: Another checkout runs it.
    """
    owner = _owner()
    if owner is None or owner == CHECKOUT or not owner.exists():
        return
    if any(members(CONTROL_PLANE_NAMESPACE)):
        raise TestbedError(
            f"the checkout {owner} runs this machine's only testbed; "
            f"end it there first (`make testbed-down` in {owner})"
        )


def claim() -> None:
    """Make the testbed this checkout's; its state folder comes into being with the owner in it."""
    (STATE / "logs").mkdir(parents=True)
    _OWNER.write_text(str(CHECKOUT))


def _owner() -> Path | None:
    try:
        return Path(_OWNER.read_text())
    except FileNotFoundError:
        return None
