"""One monotonic time for all processes that share a state file.

Belongs here: how the machine's clock becomes the file's. Not here: what is measured with it.

The file's time is the machine's time since boot plus an offset that is drawn from the calendar
once a boot, by whoever opens the file first. So it goes on over a reboot, and a step of the
calendar while the machine runs expires nothing.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from immutant.clock import Clock
from immutant.embedded.transaction import Transaction

__all__ = ["FileTime", "boot_id"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class FileTime:
    """The file's clock; `now` may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._offset = 0.0

    def now(self) -> float:
        """The file's time in seconds: never set back while the machine runs."""
        return self.clock.now() + self._offset

    def wall(self) -> float:
        """Calendar time, seconds since the epoch."""
        return self.clock.wall()

    async def sleep_until(self, instant: float) -> None:
        """Return once the file's time has reached the instant."""
        await self.clock.sleep(max(0.0, instant - self.now()))

    def settle(self, transaction: Transaction, boot: str) -> None:
        """Take the offset of this boot from the file; draw it if this is the boot's first open."""
        known: dict[str, Any] = dict(
            transaction.run("SELECT name, value FROM meta WHERE name IN ('boot', 'time')")
        )
        if known.get("boot") != boot:
            known["time"] = self.clock.wall() - self.clock.now()
            transaction.run(
                "INSERT OR REPLACE INTO meta VALUES ('boot', ?), ('time', ?)", boot, known["time"]
            )
        self._offset = float(known["time"])


def boot_id() -> str:
    """What names this boot of the machine; "unknown" where the system does not tell."""
    if _BOOT_ID.exists():
        return _BOOT_ID.read_text().strip()
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
        answer = subprocess.run(  # noqa: S603 - the command is fixed
            command, capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()
    return "unknown"
