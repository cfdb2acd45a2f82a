"""Calendars that a test sets forward and back under processes that run.

Belongs here: a pod's calendar. The machine's own stays as it is: it is everybody's.
"""

import atexit
import functools
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

__all__ = ["Calendar"]

_COMPILER = "cc"
_SOURCE = Path(__file__).with_name("wallclock.c")


class Calendar:
    """The calendar of one pod's processes; see `wallclock.c` for what it shows and what not."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step(0)

    @staticmethod
    def why_none() -> str | None:
        """Why no calendar can be stepped here, as one sentence; None if it can."""
        return None if shutil.which(_COMPILER) else f"there is no C compiler ({_COMPILER})"

    def environ(self) -> dict[str, str]:
        """What puts a process under this calendar; nothing where none can be stepped."""
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
    if Calendar.why_none():
        return None
    folder = Path(tempfile.mkdtemp(prefix="immutant-calendar-"))
    atexit.register(shutil.rmtree, folder)
    made = folder / "calendar.so"
    subprocess.run([_COMPILER, "-shared", "-fPIC", "-O1", "-o", made, _SOURCE, "-ldl"], check=True)
    return made
