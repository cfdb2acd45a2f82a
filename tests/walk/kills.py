"""Kills -9 at random from a seed, for whatever runs on the laptop meanwhile.

Belongs here: whom to kill and when, and what may be said of ticks under it. Not here: other loads.

IMMUTANT_KILLS says how many, IMMUTANT_SEED begins the choice; `make chaos` asks for 200.
"""

import os
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from tests.walk.laptop import Laptop
from witness import Event

from immutant.clock import SystemClock

__all__ = ["KILLS", "SEED", "Kill", "begun_twice_unprovoked", "kill_at_random"]

KILLS = int(os.environ.get("IMMUTANT_KILLS", "12"))
SEED = int(os.environ.get("IMMUTANT_SEED", "1"))

CLOCK = SystemClock()

_SENT = 1.0
"""Seconds at most from the sending of a tick to its handler's beginning, on a busy machine."""

VICTIMS = [
    ("child",),
    ("coordinator",),
    ("supervisor",),
    ("coordinator", "child"),
    ("coordinator", "supervisor", "child"),
]


@dataclass(frozen=True)
class Kill:
    """One kill.

    Attributes:
        at: Before it, on the boot clock.
        done: After it.
        replica: Whose parts were killed.
        children: The replica's child at that time, as a process id.
        dead: All who died by it.
    """

    at: float
    done: float
    replica: str
    children: frozenset[int]
    dead: frozenset[int]


def kill_at_random(
    run: Laptop, kills: int, choose: random.Random, gap: tuple[float, float] = (0.3, 1.2)
) -> list[Kill]:
    """SIGKILL parts of random replicas, one after the other, so many seconds apart."""
    done = []
    for _ in range(kills):
        replica = f"demo-{choose.randrange(3)}"
        children = frozenset(run.processes(replica, "child"))
        at = CLOCK.now()
        dead = frozenset(run.kill(replica, *choose.choice(VICTIMS)))
        done.append(Kill(at, CLOCK.now(), replica, children, dead))
        time.sleep(choose.uniform(*gap))  # the schedule of the faults, not a wait for them
    return done


def begun_twice_unprovoked(events: list[Event], kills: list[Kill]) -> list[str]:
    """Ticks whose handler began again although nobody was killed over it.

    A run is cut off by the death of its child, and of its coordinator: then its tenure ends. A tick
    that the coordinator had sent before its death is begun after it, and cut off at once.
    """
    begins: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.what == "tick-begins":
            begins[event.details[0]].append(event)
    return [
        f"{tick}: begun by {former.pid} at {former.at:.3f} and by {later.pid} at {later.at:.3f}"
        for tick, runs in begins.items()
        for former, later in pairwise(runs)
        if not any(
            former.pid in kill.children and former.at - _SENT <= kill.done and kill.at <= later.at
            for kill in kills
        )
    ]
