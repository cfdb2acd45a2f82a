"""Pods on nodes that have died: which of them may be made anew although nobody saw them end.

Kubernetes leaves such a pod alone, since it may run on, cut off. That it does no harm then is the
work of the Leases and of the quorum; here it is only decided where both hold. Belongs here: the
decision, without I/O. Not here: deleting the pods (`immutant_operator.reconciler`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from immutant_operator.grid import Grid
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet, Pod

__all__ = ["Losses", "Reach", "losses", "suspects"]

_OVERDUE: Final = 30.0
"""Seconds beyond its grace after which a kubelet that lives has long told of a pod's end."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which nodes can be reached.

    Attributes:
        reached: Nodes whose kubelets report.
        lost: Nodes whose kubelets have fallen silent, or that are marked as out of service.
    """

    reached: frozenset[str]
    lost: frozenset[str]

    @classmethod
    def read(cls, nodes: Iterable[Json]) -> "Reach":
        """Read it off the Node objects."""
        lost = {one["metadata"]["name"]: _is_lost(one) for one in nodes}
        return cls(
            frozenset(name for name, is_lost in lost.items() if not is_lost),
            frozenset(name for name, is_lost in lost.items() if is_lost),
        )


def _is_lost(node: Json) -> bool:
    """A kubelet that says itself that it is not ready lives, and will tell of its pods' ends."""
    taints = (node.get("spec") or {}).get("taints") or ()
    if any(one.get("key") == "node.kubernetes.io/out-of-service" for one in taints):
        return True
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "Unknown" for one in conditions)


@dataclass(frozen=True, slots=True)
class Losses:
    """Pods that nobody will see end.

    Attributes:
        replaced: Those to delete without waiting for their kubelets.
        kept: Why others are not replaced, as a sentence; "": there are none.
    """

    replaced: tuple[Pod, ...] = ()
    kept: str = ""


def suspects(fleet: Fleet, grid: Grid) -> list[Pod]:
    """Pods whose nodes are to be looked at: they do not serve, and their Leases have expired."""
    return [pod for pod in fleet.pods if pod.node and not pod.ready and grid.has_expired(pod)]


def losses(fleet: Fleet, grid: Grid, reach: Reach | None, *, replaces: bool) -> Losses:
    """Which pods are lost, and may be replaced.

    Args:
        fleet: The pods.
        grid: What is known of their Leases.
        reach: Which nodes can be reached; None: the operator may not know. A pod is then lost when
            it was told to end, e.g. by Kubernetes' eviction from such a node, and is overdue.
        replaces: Whether the app wants them replaced.
    """
    lost = [pod for pod in suspects(fleet, grid) if _is_on_lost_node(pod, grid, reach)]
    if not lost:
        return Losses()
    where = "cannot be reached: " + ", ".join(f"{pod.name} on {pod.node}" for pod in lost)
    if not replaces:
        return Losses(kept=f"{where}; nodes.replaceDead is false: delete the Node if it is dead")
    if reach is not None and len(reach.lost) > len(reach.reached):
        return Losses(kept=f"{where}; most nodes are, so that rather the control plane is cut off")
    if not _is_carried_on(fleet, grid):
        return Losses(
            kept=f"{where}; they may be the larger side of a split, which the others do not see; "
            "if you know that they are dead, delete their Nodes"
        )
    return Losses(tuple(lost))


def _is_on_lost_node(pod: Pod, grid: Grid, reach: Reach | None) -> bool:
    if reach is not None:
        return pod.node in reach.lost
    return pod.leaving and grid.ages.steady.get(pod.uid, 0.0) > pod.grace + _OVERDUE


def _is_carried_on(fleet: Fleet, grid: Grid) -> bool:
    """Whether half of the pods live, before the operator's eyes.

    The others cannot write then: they are not more than half, and their Leases are not fresh. A pod
    that is alone has nobody who could know; it is replaced for the sake of who waits for it.
    """
    size = max(fleet.size or 0, len(fleet.pods))
    living = [pod for pod in fleet.pods if pod.uid in grid.ages.fresh and not grid.has_expired(pod)]
    return size == 1 or 2 * len(living) >= size
