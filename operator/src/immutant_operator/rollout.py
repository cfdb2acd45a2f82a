"""When pods come, go and are replaced: one step at a time, decided without I/O.

The StatefulSet replaces nothing by itself (updateStrategy OnDelete). New pods are made from the
new version of the template, whatever their ordinal. Belongs here: the next step. Not here: taking
it (`immutant_operator.reconciler`).
"""

from dataclasses import dataclass

from immutant_operator.observed import Fleet, Pod

__all__ = ["Step", "next_size", "next_step"]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now.

    Attributes:
        replace: The pod to delete, so that a new one of the new version takes its place.
        moving: Whether anything is under way or still to do.
        reason: What, in a word for the condition Progressing.
        message: What, in a sentence.
    """

    replace: Pod | None
    moving: bool
    reason: str
    message: str


def next_size(wanted: int, fleet: Fleet) -> int:
    """How many pods the StatefulSet is to keep now.

    More at once, fewer one by one: the highest pod goes when those that stay are ready, or when it
    is not ready itself. None goes before it is known which pods are outdated. A single pod that
    serves is replaced beside a second, temporary one, so that the old version serves until the new
    one does.
    """
    if fleet.size is None:
        return wanted
    if not fleet.revision:
        return max(wanted, fleet.size)
    target = wanted + 1 if _needs_second(wanted, fleet) else wanted
    if target >= fleet.size:
        return target
    stays = [pod for pod in fleet.pods if pod.ordinal < fleet.size - 1]
    goes = [pod for pod in fleet.pods if pod.ordinal >= fleet.size - 1]
    complete = len(stays) == fleet.size - 1 and all(pod.ready for pod in stays)
    # While another pod is on its way out, its share of the data is on its way too.
    settled = all(pod.ordinal < fleet.size for pod in fleet.pods)
    unready = not any(pod.ready for pod in goes)
    return fleet.size - 1 if settled and (complete or unready) else fleet.size


def _needs_second(wanted: int, fleet: Fleet) -> bool:
    return wanted == 1 and any(
        pod.ordinal == 0 and pod.ready and fleet.outdated(pod) for pod in fleet.pods
    )


def next_step(wanted: int, fleet: Fleet) -> Step:
    """What to do about the pods, given the StatefulSet as it is now.

    A pod is replaced only while every pod of the new version is ready: a version that does not
    come up costs one pod, and the others go on. Pods of an old version that are not ready are
    replaced first, so that a mended spec gets a stuck rollout going again.
    """
    if fleet.size is None or not fleet.revision:
        return Step(None, True, "Starting", "the pods are about to be made")
    old = [pod for pod in fleet.pods if fleet.outdated(pod) and pod.ordinal < fleet.size]
    waiting = _awaited(fleet)
    if waiting:
        return Step(None, True, "RollingOut" if old else "Starting", waiting)
    if old:
        return _replacing(old, fleet)
    if fleet.size != wanted or len(fleet.pods) > fleet.size:
        return Step(None, True, "Scaling", f"going from {len(fleet.pods)} to {wanted} pods")
    return Step(None, False, "Complete", f"{wanted} of {wanted} pods run the current version")


def _awaited(fleet: Fleet) -> str:
    """What has to come up before anything else is touched, as a sentence; empty: nothing."""
    size = fleet.size or 0
    there = {pod.ordinal: pod for pod in fleet.pods if pod.ordinal < size}
    missing = [ordinal for ordinal in range(size) if ordinal not in there]
    leaving = [pod.name for pod in there.values() if pod.leaving]
    coming = [p.name for p in there.values() if not p.ready and not fleet.outdated(p)]
    if missing:
        return f"waiting for {len(missing)} more pods to be made"
    if leaving:
        return f"waiting for {', '.join(leaving)} to end"
    return f"waiting for {', '.join(coming)} to be ready" if coming else ""


def _replacing(old: list[Pod], fleet: Fleet) -> Step:
    """The highest pod that is not ready goes first, then the highest of all."""
    pod = max(old, key=lambda one: (not one.ready, one.ordinal))
    if fleet.size == 1 and pod.ready:
        return Step(None, True, "RollingOut", f"a second pod comes before {pod.name} is replaced")
    return Step(pod, True, "RollingOut", f"replacing {pod.name}; {len(old)} pods to go")
