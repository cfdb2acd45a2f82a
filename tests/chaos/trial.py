"""One trial: a fault, seen from the singletons that it hits.

Belongs here: choosing a victim, measuring, waiting. Not here: what each fault does (`faults`).
"""

import random
import time

from tests.chaos.cluster import SINGLETONS, Cluster
from tests.chaos.pods import Pod

__all__ = ["Trial"]


class Trial:
    """One fault on a cluster that is whole.

    Attributes:
        cluster: The cluster.
        choose: Decides all that is left open, from the seed.
        outage: For how many seconds an API server is away.
        singleton: One that the fault is about.
        pod: Who holds it when the trial begins.
        takeovers: Seconds from the fault, or from the last `begins`, to the first beat of each next
            tenure.
    """

    def __init__(self, cluster: Cluster, choose: random.Random, outage: float) -> None:
        self.cluster = cluster
        self.choose = choose
        self.outage = outage
        self.singleton = choose.choice(SINGLETONS)
        self.pod: Pod = cluster.holder(self.singleton)
        self.takeovers: list[float] = []
        self.hits(*cluster.held_by(self.pod))

    def hits(self, *singletons: str) -> None:
        """These are expected to move, rather than all that the pod holds; the fault begins now."""
        self._hit = {one: self.cluster.witness.tenure(one) for one in singletons}
        self.begins()

    def begins(self) -> None:
        """From this instant on a takeover is counted."""
        self._since = self.cluster.witness.now()

    def pause(self, least: float, most: float | None = None) -> None:
        """Let time pass: the schedule of the faults, and no wait for anything."""
        time.sleep(self.choose.uniform(least, most if most is not None else least))

    def until_moved(self) -> None:
        """Wait until everything that was hit has a next tenure, which must be soon enough."""
        moved = self._wait(self.cluster.bound())
        assert moved, f"nobody took over within {self.cluster.bound()} s\n{self.cluster.said()}"

    def see(self) -> None:
        """Give what was hit the time to move or to stay; then somebody must hold it."""
        self._wait(self.cluster.timings.lease_duration + 1.5)
        self.cluster.until_held()

    def _wait(self, patience: float) -> bool:
        moved = self.cluster.witness.until(lambda: None not in self._begun(), patience)
        self.takeovers += [max(0.0, at - self._since) for at in self._begun() if at is not None]
        return moved

    def _begun(self) -> list[float | None]:
        return [self.cluster.witness.began(one, token) for one, token in self._hit.items()]
