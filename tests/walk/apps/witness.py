"""The witness: a file to which every process of an application under test appends what it does.

One line an event: the machine's boot clock, the process, what, and its details. A line is written
by one write to a file opened for appending, so that a kill leaves it whole or not at all.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path


class Witness:
    """The writing end, in the application: `witness(what, *details)`."""

    def __init__(self) -> None:
        self._file = os.open(os.environ["WITNESS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def __call__(self, what: str, *details: object) -> None:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        line = " ".join([f"{now:.6f}", str(os.getpid()), what, *map(str, details)])
        os.write(self._file, line.encode() + b"\n")


@dataclass(frozen=True)
class Event:
    """One line of the witness."""

    at: float
    pid: int
    what: str
    details: tuple[str, ...]


def witnessed(path: Path, *kinds: str) -> list[Event]:
    """All events, or those of some kinds, in the order of their time."""
    events = []
    for line in path.read_text().splitlines() if path.exists() else ():
        at, pid, what, *details = line.split(" ")
        events.append(Event(float(at), int(pid), what, tuple(details)))
    return sorted((e for e in events if not kinds or e.what in kinds), key=lambda event: event.at)


def overlaps(events: Iterable[Event]) -> list[str]:
    """Tenures that acted after a newer one had begun; `details[0]` is the token."""
    tenures: dict[int, list[float]] = defaultdict(list)
    for event in events:
        tenures[int(event.details[0])].append(event.at)
    spans = [(token, min(times), max(times)) for token, times in sorted(tenures.items())]
    return [
        f"{older} acted until {late - begun:.3f} s after {newer} began"
        for (older, _, late), (newer, begun, _) in pairwise(spans)
        if late >= begun
    ]
