"""The words of an application under fault, read from the disks of the testbed's nodes.

Belongs here: finding and reading the logs. Not here: what is right (`tests.chaos.judge`).

kubectl cannot be the witness: it needs the API server, a node that can be reached, and a pod that
is still there. The files are there whatever becomes of these, and each line bears the instant at
which the container's runtime read it: another process than the one that spoke, and one clock for
all nodes, since they share this machine's.
"""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Self, TextIO

from tests.chaos.words import Spoken
from tests.e2e.cluster import seconds_of

__all__ = ["NodeLogs", "Read"]

_POLL = 0.05
_BOOTED = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
"""When the boot clock began, since the epoch; read once, so that words of one step stay in turn."""

_LATE = 0.5
"""Seconds from a step's beginning to its line after which the line was held back, by a freeze."""


@dataclass(frozen=True, slots=True)
class Read:
    """One word, and when the runtime read it (seconds since the epoch)."""

    at: float
    said: Spoken

    def moment(self) -> float:
        """When it was spoken, since the epoch: by its speaker, unless it was held back."""
        spoken = self.said.begun + _BOOTED
        return self.at if self.at - spoken > _LATE else spoken


class NodeLogs:
    """Reads while the context is open.

    Attributes:
        words: All that was read; in order within one pod.
    """

    def __init__(self, folders: Sequence[Path], namespace: str) -> None:
        """Make one that does not read yet.

        Args:
            folders: The kubelets' folders of pods' logs.
            namespace: Of the pods whose container `app` is read.
        """
        self.words: list[Read] = []
        self._folders = folders
        self._pattern = f"{namespace}_*/app/*.log*"
        self._files: dict[tuple[int, int], tuple[str, TextIO]] = {}
        self._closed = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        self._thread.join()
        for _, file in self._files.values():
            file.close()

    def until(self, done: Callable[[], bool], patience: float) -> bool:
        """Wait, word by word, until something holds; False when it did not in time."""
        with self._news:
            return self._news.wait_for(done, patience)

    def in_order(self, since: int = 0) -> list[Spoken]:
        """What was spoken, in the order of time, but for so many words that were read first.

        Words of one process stay in their turn: a disk that stalls holds back some lines for
        longer than `_LATE`, and the next ones for less.
        """
        latest: dict[str, float] = defaultdict(float)
        timed = []
        for read in self.words[since:]:
            latest[read.said.process] = max(latest[read.said.process], read.moment())
            timed.append((latest[read.said.process], read.said))
        return [said for _, said in sorted(timed, key=itemgetter(0))]

    def _follow(self) -> None:
        while not self._closed.wait(_POLL):
            self._open_new_ones()
            read = [word for pod, file in self._files.values() for word in _words(pod, file)]
            if read:
                with self._news:
                    self.words += read
                    self._news.notify_all()

    def _open_new_ones(self) -> None:
        """A file that is renamed or removed stays the file that it is."""
        for folder in self._folders:
            for path in filter(_is_log, folder.glob(self._pattern)):
                with suppress(OSError):
                    found = path.stat()
                    if (found.st_dev, found.st_ino) not in self._files:
                        pod = path.parents[1].name.rpartition("_")[2]
                        self._files[found.st_dev, found.st_ino] = (pod, path.open())


def _is_log(path: Path) -> bool:
    """Whether it is text: RESTARTS.log, or what became of it, not what is compressed of that."""
    return re.fullmatch(r"\d+\.log(\.[\d-]+)?", path.name) is not None


def _words(pod: str, file: TextIO) -> list[Read]:
    """The whole lines that are new in a file and are words."""
    read: list[Read] = []
    while True:
        begun = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(begun)  # the runtime is in the middle of it
            return read
        stamp, _stream, _tag, text = line.rstrip("\n").split(" ", 3)
        with suppress(ValueError):  # what is no word was printed by somebody else
            said = replace(Spoken.decode(text), pod=pod)
            read.append(Read(seconds_of(stamp), said))
