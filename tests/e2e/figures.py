"""What a run measured, printed at its end."""

import json
from collections import defaultdict
from typing import Any

from tests.e2e.cluster import Cluster


class Figures:
    """Figures by what they are of, in the order in which they were measured."""

    def __init__(self) -> None:
        self.noted: dict[str, str] = {}

    def note(self, what: str, figure: str) -> None:
        """Keep a figure, unit included."""
        self.noted[what] = figure

    def note_memory(self, cluster: Cluster, pods: list[Any]) -> None:
        """Keep the memory of each container of these pods, in MiB, as their kubelets see it."""
        for name, sizes in sorted(_working_sets(cluster, pods).items()):
            spread = f"{min(sizes):.0f}" + (f"-{max(sizes):.0f}" if len(sizes) > 1 else "")
            self.note(f"memory of container {name}", f"{spread} MiB in use")


def _working_sets(cluster: Cluster, pods: list[Any]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for pod in pods:
        path = f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/stats/summary"
        for one in json.loads(cluster.kubectl("get", "--raw", path))["pods"]:
            if one["podRef"]["uid"] == pod["metadata"]["uid"]:
                for container in one["containers"]:
                    found[container["name"]].append(container["memory"]["workingSetBytes"] / 2**20)
    return found
