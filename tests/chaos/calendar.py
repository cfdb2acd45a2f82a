"""Calendars that a test sets forward and back under processes that run.

Belongs here: a pod's calendar. The machine's own stays as it is: it is everybody's.
"""

import functools
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

__all__ = ["Calendar"]

_SOURCE = Path(__file__).with_name("wallclock.c")


class Calendar:
    """The calendar of one pod's processes; see `wallclock.c` for what it shows and what not."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step(0)

    def environ(self) -> dict[str, str]:
        """What puts a process under this calendar; nothing where there is no C compiler."""
        library = _library()
        return {"LD_PRELOAD": str(library), "CHAOS_CALENDAR": str(self._file)} if library else {}

    def step(self, seconds: int) -> None:
        """From now on it is so many seconds ahead of the machine's."""
        if self._file.exists():
            with self._file.open("r+b") as file:  # in place: it is mapped
                file.write(struct.pack("q", seconds))
        else:
            self._file.write_bytes(struct.pack("q", seconds))


@functools.cache
def _library() -> Path | None:
    if shutil.which("cc") is None:
        return None
    made = Path(tempfile.mkdtemp(prefix="immutant-calendar-")) / "calendar.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", made, _SOURCE, "-ldl"], check=True)
    return made
