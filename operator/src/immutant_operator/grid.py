"""Whether the grid is safe, from what its members say in their pods' Leases.

Safe is: every pod that is ready says so, all see the same members in the same lives, and there are
no more of these than pods that say so. Belongs here: the verdict, without I/O. Not here: what is
done by it (`rollout`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from immutant.contract.gridview import GridView
from immutant_operator.members import MemberLease
from immutant_operator.observed import Pod
from immutant_operator.sightings import Ages

__all__ = ["LONGEST_HOLD", "PATIENCE", "Grid", "Verdict"]

PATIENCE: Final = 60.0
"""Seconds for which a pod that is ready and says nothing of the grid holds everything up: its
sidecar may be of a version that does not say it. As long waits a pod that does not serve for a grid
that is not safe beside it: it may be what keeps it from that."""

LONGEST_HOLD: Final = 600.0
"""Seconds after a pod has last come or gone for which a grid that is not safe holds up node drains:
what is not mended by then is no matter of copies, and nodes have to be serviced."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the grid is safe.

    Attributes:
        status: "True", "False", or "Unknown".
        reason: Why, in a word.
        message: Why, in a sentence.
    """

    status: str
    reason: str
    message: str


_NOBODY: Final = Verdict("Unknown", "NoMembers", "there is no pod")


@dataclass(frozen=True, slots=True)
class Grid:
    """What is known of an app's grid.

    Attributes:
        pods: All pods.
        leases: Their member Leases, by the pods' UIDs.
        ages: Since when all this is so.
    """

    pods: tuple[Pod, ...] = ()
    leases: Mapping[str, MemberLease] = field(default_factory=dict)
    ages: Ages = field(default_factory=Ages)

    def verdict(self, without: Collection[Pod] = ()) -> Verdict:
        """Whether the grid is safe.

        Args:
            without: Pods that do not serve and are about to go: these may be mute, or see nothing.
        """
        stay = [pod for pod in self.pods if pod not in without]
        if not stay:
            return _NOBODY
        told = {pod.name: view for pod in stay if (view := self._view(pod)) is not None}
        untold = [pod.name for pod in stay if pod.ready and pod.name not in told]
        silent = [pod.name for pod in stay if pod.name in untold and self._is_silent(pod)]
        if silent:
            return _no("MemberSilent", f"{_and(silent)} had not renewed the Lease when last seen")
        found = _trouble(told, len(untold) + len(without))
        if found is not None:
            return found
        if not self._are_safe(without, told):
            return _no("CopiesMissing", "a pod that is to go still has the only copy of something")
        if untold:
            said = f"{_and(untold)} say nothing of the grid: they have just come, or are of a "
            return Verdict("Unknown", "NotTold", f"{said}version that does not")
        if not told:
            return Verdict("Unknown", "NotTold", "no pod is ready, and none says anything")
        here = next(iter(told.values())).members
        return Verdict("True", "AllSafe", f"{_members(here)}, and each entry is on all its owners")

    def hinders(self, without: Collection[Pod] = ()) -> str:
        """What of the grid keeps these pods from being taken; "": nothing.

        Args:
            without: Pods that do not serve. None: any may be taken, so that all must be safe.
        """
        found = self.verdict(without)
        if found.status == "True" or found is _NOBODY:
            return ""
        if without and self.ages.settled >= PATIENCE:
            return ""
        if found.status == "Unknown" and self._was_patient(without):
            return ""
        return found.message

    @property
    def holds_drains(self) -> bool:
        """Whether no pod may be drained from its node for now: another may lack its copies."""
        several = sum(pod.ready for pod in self.pods) > 1
        return several and self.ages.settled < LONGEST_HOLD and bool(self.hinders())

    @property
    def holders(self) -> list[Pod]:
        """The pods that have data: whose members say that they are there, or, mute, are ready."""
        return [pod for pod in self.pods if (view := self._view(pod)) and view.members] or [
            pod for pod in self.pods if pod.ready
        ]

    def is_member(self, pod: Pod) -> bool:
        """Whether a pod says that its member is in the grid."""
        view = self._view(pod)
        return view is not None and view.members > 0

    def lease(self, pod: Pod) -> MemberLease | None:
        """A pod's own Lease."""
        return self.leases.get(pod.uid)

    def has_expired(self, pod: Pod) -> bool:
        """Whether a pod's life in the cluster is over: ended, or unchanged for its duration.

        One that has none proves nothing by that: it starts, and is waited for for a minute.
        """
        lease = self.leases.get(pod.uid)
        if lease is None:
            return self.ages.silent.get(pod.uid, 0.0) > PATIENCE
        return bool(lease.ended) or self.ages.silent.get(pod.uid, 0.0) > lease.duration

    def _view(self, pod: Pod) -> GridView | None:
        lease = self.leases.get(pod.uid)
        return lease.view if lease is not None and not self.has_expired(pod) else None

    def _is_silent(self, pod: Pod) -> bool:
        return pod.uid in self.leases and self.has_expired(pod)

    def _was_patient(self, without: Collection[Pod]) -> bool:
        ready = [pod for pod in self.pods if pod.ready and pod not in without]
        steady = (self.ages.steady.get(pod.uid, 0.0) for pod in ready)
        return min(steady, default=self.ages.settled) >= PATIENCE

    def _are_safe(self, without: Iterable[Pod], told: Mapping[str, GridView]) -> bool:
        """Whether those that are to go and see what the others see are safe too."""
        common = {view.view for view in told.values()}
        views = [view for pod in without if (view := self._view(pod)) is not None]
        return all(view.safe for view in views if view.view in common)


def _trouble(told: Mapping[str, GridView], mute: int) -> Verdict | None:
    """What those that say something say of trouble; so many others may be in the grid too."""
    absent = [name for name, view in told.items() if not view.members]
    if absent:
        return _no("MemberNotAnswering", f"the grid member of {_and(absent)} does not answer")
    if len({view.view for view in told.values()}) > 1:
        return _no("ViewsDiffer", f"the members of {_and(told)} do not see the same grid yet")
    here = next((view.members for view in told.values()), 0)
    if told and not len(told) <= here <= len(told) + mute:
        said = f"{len(told)} {'pod says' if len(told) == 1 else 'pods say'} so"
        return _no("MembersDiffer", f"the grid has {_members(here)}, and {said}")
    unsafe = [name for name, view in told.items() if not view.safe]
    if unsafe:
        return _no("CopiesMissing", f"copies of what {_and(unsafe)} has are still to be made")
    return None


def _no(reason: str, message: str) -> Verdict:
    return Verdict("False", reason, message)


def _members(count: int) -> str:
    return "1 member" if count == 1 else f"{count} members"


def _and(found: Iterable[str]) -> str:
    """Up to five names."""
    listed = sorted(found)
    rest = f" and {len(listed) - 5} more" if len(listed) > 5 else ""
    return ", ".join(listed[:5]) + rest
