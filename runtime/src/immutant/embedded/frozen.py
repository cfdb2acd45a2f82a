"""A process that was stopped while it writes.

Belongs here: finding it and ending it. Not here: turns (`turnstile`).

A process stopped inside of a transaction (SIGSTOP, Ctrl-Z) keeps the file locked, and with it every
replica. It is ended; what it had not committed never was. Known on Linux only, by /proc.
"""

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

from immutant.embedded.turnstile import Turnstile

__all__ = ["is_stopped", "watch"]

_PATIENCE = 2.0
_PERIOD = 0.5

_log = logging.getLogger(__name__)


async def watch(turnstile: Turnstile) -> None:
    """End whoever keeps others waiting for the file and is stopped, with SIGKILL."""
    suspect = 0
    while True:
        await asyncio.sleep(_PERIOD)
        holder = turnstile.holder() if turnstile.waited() > _PATIENCE else 0
        if holder and holder == suspect and is_stopped(holder):
            _log.warning("process %d was stopped while it wrote to the store: killed", holder)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(holder, signal.SIGKILL)
        # Seen twice: after Ctrl-Z of all and `fg`, they do not all go on in the same instant.
        suspect = holder


def is_stopped(pid: int) -> bool:
    """Whether the process is stopped by a signal, and this user's."""
    try:
        process = Path("/proc") / str(pid)
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "T" and process.stat().st_uid == os.geteuid()
    except OSError:
        return False
