"""An application under fault on three real nodes.

Belongs here: the application, waiting for it, and measuring takeovers. Not here: the faults
(`tests.e2e.node_faults`).
"""

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.chaos.judge import Freeze, Verdict, judge
from tests.e2e.cluster import Cluster, Workload, namespace, until
from tests.e2e.manifests import app_of
from tests.e2e.members import are_whole
from tests.e2e.nodelogs import NodeLogs, Read
from tests.e2e.testbed import Testbed

__all__ = ["SINGLETON", "Field", "Takeover", "field"]

APP = Path(__file__).parents[1] / "chaos" / "apps" / "beating.py"
SINGLETON = "daemon.red"
_PATIENCE = 240.0
_RECENT = 20_000
"""Words: about a minute and a half of all three daemons."""

Takeover = tuple[float, float]
"""Seconds from the fault to the next tenure's beginning, and to its first acknowledged write."""


class Field:
    """Three pods of the application `demo`, and what its daemon `red` does."""

    def __init__(self, cluster: Cluster, testbed: Testbed, where: str, logs: NodeLogs) -> None:
        self.cluster = cluster
        self.testbed = testbed
        self.logs = logs
        self.pods = Workload(cluster, "demo", where)
        self.freezes: list[Freeze] = []

    def holder(self) -> Any:
        """The pod that runs the singleton now."""
        name = self.pods.holder(SINGLETON)
        return self.pods.all()[name]

    def node_of(self, pod: Any) -> int:
        """The number of a pod's node."""
        return int(pod["spec"]["nodeName"].removeprefix("node"))

    def token(self) -> int:
        """Of the newest tenure of which anything was read."""
        return max((word.said.token for word in self._words()), default=0)

    def lease(self) -> tuple[str, ...]:
        """The singleton's Lease, as kubectl's arguments."""
        return ("lease", f"demo.{SINGLETON}", "-n", self.pods.namespace)

    def takeover(self, former: int, since: float, patience: float) -> Takeover:
        """Wait for the next tenure's first acknowledged write.

        Args:
            former: The token of the tenure before.
            since: The fault, in seconds since the epoch.
            patience: Seconds until nobody is waited for any more.
        """
        found = self.logs.until(lambda: self._first("wrote", former) is not None, patience)
        assert found, f"nobody wrote within {patience} s after {former}"
        begun, written = self._first("begin", former), self._first("wrote", former)
        assert begun is not None
        assert written is not None
        return begun.at - since, written.at - since

    def until_whole(self) -> None:
        """Wait until nodes and pods are ready, every pod is a member, and the daemon beats."""
        until(self.cluster.nodes_are_ready, "three nodes are ready", _PATIENCE)
        self.pods.until_ready(3, _PATIENCE)
        while crowded := self._beside_another():  # as after a pod was made anew elsewhere
            self.renew(crowded)
            self.pods.until_ready(3, _PATIENCE)
        until(self._all_are_members, "every pod is a member", _PATIENCE)
        until(self._grid_is_whole, "every entry has both its owners", _PATIENCE)
        now = time.time()
        held = self.logs.until(lambda: any(word.at > now for word in self._words()), _PATIENCE)
        assert held, "nobody holds the daemon"

    def renew(self, name: str) -> None:
        """Replace a pod, gracefully: its containers' restarts would wait longer each time."""
        where = ("-n", self.pods.namespace, "--wait=false")
        self.cluster.kubectl("delete", "pod", name, *where, check=False)

    def verdict(self, since: int) -> Verdict:
        """The judgement over what was read after the first so many words."""
        return judge(self.logs.in_order(since), self.freezes)

    def keep(self, folder: Path, since: int) -> None:
        """Leave what was read after the first so many words, and the pods' logs, in a folder."""
        shutil.rmtree(folder, ignore_errors=True)
        for number, logs in zip(self.testbed.numbers, self.testbed.logs(), strict=True):
            for pod in logs.glob(f"{self.pods.namespace}_*"):
                shutil.copytree(pod, folder / f"node{number}" / pod.name, symlinks=True)
        (folder / "words").write_text("\n".join(map(str, self.logs.in_order(since))))

    def _words(self) -> Iterator[Read]:
        return (
            word
            for word in reversed(self.logs.words[-_RECENT:])
            if word.said.singleton == SINGLETON
        )

    def _first(self, what: str, after: int) -> Read | None:
        newer = [
            word for word in self._words() if word.said.token > after and word.said.what == what
        ]
        return min(newer, key=lambda word: word.at, default=None)

    def _beside_another(self) -> str | None:
        """A pod on a node that has another one: with that node both owners of entries would go."""
        nodes: set[str] = set()
        for name, pod in self.pods.all().items():
            if pod["spec"]["nodeName"] in nodes:
                return name
            nodes.add(pod["spec"]["nodeName"])
        return None

    def _grid_is_whole(self) -> bool:
        return are_whole(self.cluster, self.pods.all().values())

    def _all_are_members(self) -> bool:
        leases = self.cluster.get("leases", "-n", self.pods.namespace)
        holders = {
            one["metadata"]["name"]: one["spec"].get("holderIdentity") or "" for one in leases
        }
        return all(
            pod["metadata"]["uid"] in holders.get(f"demo.member.{name.rpartition('-')[2]}", "")
            for name, pod in self.pods.all().items()
        )


@contextlib.contextmanager
def field(
    cluster: Cluster, testbed: Testbed, where: str, timings: Mapping[str, str]
) -> Iterator[Field]:
    """The application on three nodes, in a namespace of its own, with these `spec.singletons`."""
    with namespace(cluster, where) as name, NodeLogs(testbed.logs(), name) as logs:
        manifest = app_of("demo", APP, replicas=3, singletons=dict(timings))
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=manifest)
        found = Field(cluster, testbed, name, logs)
        found.until_whole()
        yield found
