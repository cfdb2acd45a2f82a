"""Playing trials: every kind of a group so many times, in an order that the seed decides.

Belongs here: the schedule and the counting. Not here: the faults.
"""

import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.cluster import Cluster
from tests.chaos.faults import Fault
from tests.chaos.results import Row
from tests.chaos.trial import Trial

__all__ = ["Played", "play"]


@dataclass
class Played:
    """What became of it: a row a kind, and what was wrong."""

    rows: dict[str, Row]
    wrong: list[str]


def play(
    cluster: Cluster, faults: Mapping[str, Fault], trials: int, seed: int, outage: float
) -> Played:
    """Play every kind of fault so many times, one after the other."""
    choose = random.Random(seed)
    order = [kind for kind in faults for _ in range(trials)]
    choose.shuffle(order)
    played = Played(defaultdict(Row), [])
    for kind in order:
        _play_one(cluster, kind, faults[kind], Trial(cluster, choose, outage), played)
    cluster.until_held()
    whole = cluster.verdict()
    if not played.wrong:
        played.wrong += whole.wrong
    played.wrong += cluster.unheard()
    return played


def _play_one(cluster: Cluster, kind: str, fault: Fault, trial: Trial, played: Played) -> None:
    cluster.keep_copies()
    heard = len(cluster.witness.words)
    fault(trial)
    cluster.until_whole()
    verdict = cluster.verdict(heard)
    row = played.rows[kind]
    row.trials += 1
    row.takeovers += trial.takeovers
    row.verdict.add(verdict)
    where = f"{kind}, trial {row.trials}, {trial.pod.uid}"
    played.wrong += [f"{where}: {one}" for one in verdict.wrong]
