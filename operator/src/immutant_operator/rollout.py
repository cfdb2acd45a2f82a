"""When pods come, go and are replaced: one step at a time, decided without I/O.

The StatefulSet replaces nothing by itself (updateStrategy OnDelete). New pods are made from the
new version of the template, whatever their ordinal. Belongs here: the next step. Not here: taking
it (`immutant_operator.reconciler`), and whether the grid is safe (`immutant_operator.grid`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from immutant_operator.grid import Grid
from immutant_operator.observed import Fleet, Pod
from immutant_operator.pace import ONE, Pace

__all__ = ["STEADY", "STEADY_AFTER_RESTART", "Step", "next_size", "next_step"]

STEADY: Final = 5.0
STEADY_AFTER_RESTART: Final = 60.0
"""Seconds that a pod has to be ready before another is taken: one that crashes again and again is
ready in between. One that is not ready, and does not say why, may be so for a moment only."""

_LOOK: Final = 1.0
"""Seconds after which it is looked again where no watch tells of what is awaited."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now.

    Attributes:
        replace: The pods to delete, so that new ones of the new version take their places.
        moving: Whether anything is under way or still to do.
        reason: What, in a word for the condition Progressing.
        message: What, in a sentence.
        again: Seconds after which to look again, where no watch tells of what is awaited.
    """

    replace: tuple[Pod, ...]
    moving: bool
    reason: str
    message: str
    again: float | None = None


def next_size(wanted: int, fleet: Fleet, grid: Grid, pace: Pace = ONE) -> int:
    """How many pods the StatefulSet is to keep now.

    More at once, fewer one by one: the highest pod goes when those that stay are ready and the grid
    is safe, or when it is not ready itself. None goes before it is known which pods are outdated. A
    single pod that serves is replaced beside a second, temporary one, so that the old version
    serves until the new one does. With none wanted nothing is worth a wait.
    """
    if fleet.size is None:
        return wanted
    if not fleet.revision:
        return max(wanted, fleet.size)
    target = wanted + 1 if _needs_second(wanted, fleet, pace) else wanted
    if target >= fleet.size:
        return target
    return fleet.size if _keeps(wanted, fleet, grid) else fleet.size - 1


def _needs_second(wanted: int, fleet: Fleet, pace: Pace) -> bool:
    outdated = any(pod.ordinal == 0 and pod.ready and fleet.outdated(pod) for pod in fleet.pods)
    # A pause neither begins that nor takes it back.
    return wanted == 1 and outdated and (not pace.paused or (fleet.size or 0) > 1)


def _keeps(wanted: int, fleet: Fleet, grid: Grid) -> str:
    """Why the highest pod is to stay for now; "": it may go."""
    size = fleet.size or 0
    # While another pod is on its way out, its share of the data is on its way too.
    leaving = _names(pod for pod in fleet.pods if pod.leaving or pod.ordinal >= size)
    if leaving:
        return f"waiting for {leaving} to end"
    if wanted == 0:
        return ""
    stays = [pod for pod in fleet.pods if pod.ordinal < size - 1]
    goes = [pod for pod in fleet.pods if pod.ordinal == size - 1]
    if not any(pod.ready for pod in goes):
        return grid.hinders(goes) if goes else ""
    if len(stays) < size - 1:
        return f"waiting for {_pods(size - 1 - len(stays), 'more ')} to be made"
    coming = _names(pod for pod in stays if not pod.ready)
    if coming:
        return f"waiting for {coming} to be ready"
    return _unsteady(stays, grid)[0] or grid.hinders()


def next_step(wanted: int, fleet: Fleet, grid: Grid, pace: Pace = ONE) -> Step:
    """What to do about the pods, given the StatefulSet as it is now.

    Pods are replaced only while every pod of the new version is ready and the grid is safe: a
    version that does not come up costs as many pods as go at once, and the others go on. Pods of an
    old version that are not ready are replaced first, so that a mended spec gets a stuck rollout
    going again.
    """
    if fleet.size is None or not fleet.revision:
        return Step((), True, "Starting", "the pods are about to be made")
    if wanted == 0 and fleet.pods:
        return Step((), True, "Scaling", f"going from {len(fleet.pods)} to 0 pods", _LOOK)
    old = [pod for pod in fleet.pods if fleet.outdated(pod) and pod.ordinal < fleet.size]
    waiting = _awaited(fleet)
    if waiting:
        return Step((), True, "RollingOut" if old else "Starting", waiting)
    leaving = _names(pod for pod in fleet.pods if pod.ordinal >= fleet.size)
    if leaving:
        # Its share of the data is on its way: no second pod is taken meanwhile.
        message = f"waiting for {leaving} to end"
        return Step((), True, "RollingOut" if old else "Scaling", message)
    if old and pace.paused:
        message = f"{len(old)} of {len(fleet.pods)} pods are of a former version, and stay so: "
        return Step((), False, "Paused", f"{message}spec.rollout.paused is set")
    if old:
        return _replacing(old, fleet, grid, pace)
    if fleet.size != wanted:
        kept = _keeps(wanted, fleet, grid)
        message = f"going from {len(fleet.pods)} to {_pods(wanted)}"
        return Step((), True, "Scaling", f"{message}; {kept}" if kept else message, _LOOK)
    return Step((), False, "Complete", f"{wanted} of {wanted} pods run the current version")


def _awaited(fleet: Fleet) -> str:
    """What has to come up before anything else is touched, as a sentence; empty: nothing."""
    size = fleet.size or 0
    there = {pod.ordinal: pod for pod in fleet.pods if pod.ordinal < size}
    missing = [ordinal for ordinal in range(size) if ordinal not in there]
    leaving = [pod.name for pod in there.values() if pod.leaving]
    coming = [p.name for p in there.values() if not p.ready and not fleet.outdated(p)]
    if missing:
        return f"waiting for {_pods(len(missing), 'more ')} to be made"
    if leaving:
        return f"waiting for {', '.join(leaving)} to end"
    return f"waiting for {', '.join(coming)} to be ready" if coming else ""


def _replacing(old: list[Pod], fleet: Fleet, grid: Grid, pace: Pace) -> Step:
    """The highest pods that are not ready go first, then the highest of all."""
    size = fleet.size or 0
    broken = [pod for pod in old if not pod.ready]
    ranked = sorted(broken or old, key=lambda one: -one.ordinal)
    taken = tuple(ranked[: pace.at_once(size)])
    if size == 1 and not broken:
        message = f"a second pod comes before {taken[0].name} is replaced"
        return Step((), True, "RollingOut", message)
    waiting, again = _unsteady(taken if broken else fleet.pods, grid)
    waiting = waiting or grid.hinders(taken if broken else ())
    if waiting:
        message = f"{_names(taken)} is next of {len(old)}; {waiting}"
        return Step((), True, "RollingOut", message, max(_LOOK, again))
    message = f"replacing {_names(taken)}; {_pods(len(old))} to go{_cap(size, pace)}"
    return Step(taken, True, "RollingOut", message)


def _pods(count: int, which: str = "") -> str:
    return f"{count} {which}{'pod' if count == 1 else 'pods'}"


def _cap(size: int, pace: Pace) -> str:
    at_once = pace.at_once(size)
    if at_once == pace.most:
        return ""
    kept = min(pace.owners, size)
    return f"; {at_once} at once and not {pace.most}, since each entry is on {kept} pods"


def _unsteady(pods: Iterable[Pod], grid: Grid) -> tuple[str, float]:
    """Who has not been as it is for long enough, as a sentence, and for how long it is not yet."""
    left = {
        pod.name: rest
        for pod in pods
        if (rest := _needed(pod) - grid.ages.steady.get(pod.uid, 0.0)) > 0
    }
    if not left:
        return "", 0.0
    message = f"waiting until {', '.join(left)} has been ready, or not, for a while"
    return message, max(left.values())


def _needed(pod: Pod) -> float:
    if not pod.ready:
        return 0.0 if pod.trouble else STEADY
    return STEADY_AFTER_RESTART if pod.restarts else STEADY


def _names(pods: Iterable[Pod]) -> str:
    return ", ".join(pod.name for pod in pods)
