"""What is there: pods and the StatefulSet, read from the API server's JSON into records.

Belongs here: the few facts that rollout and status decide by. Not here: the decisions.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from immutant.contract import names
from immutant_operator.objects import Json

__all__ = ["Fleet", "Pod", "Scale", "Trouble", "source_of"]

_NO_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
_NO_START = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
_LONGEST = 600
"""Characters of a container's last words that fit into a sentence."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod is not ready, in a word and a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of an app.

    Attributes:
        name: Its name.
        uid: Its UID.
        ordinal: Its number in the StatefulSet.
        revision: The version of the pod template that it was made from.
        ready: Whether it is ready, and not on its way out.
        leaving: Whether it is being deleted.
        ready_since: Since when it is ready, or is not, as its kubelet says; only to tell one time
            from another.
        restarts: How often containers of it were started again.
        node: Where it runs; "" before that is decided.
        grace: Seconds that it has to end.
        source: The ConfigMap that it has its source from, if any.
        trouble: Why it is not ready, where that can be told.
    """

    name: str
    uid: str
    ordinal: int
    revision: str
    ready: bool
    leaving: bool
    ready_since: str = ""
    restarts: int = 0
    node: str = ""
    grace: float = 30.0
    source: str | None = None
    trouble: Trouble | None = None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Pod":
        """The record of a pod."""
        metadata, status = body["metadata"], body.get("status") or {}
        spec = body.get("spec") or {}
        leaving = "deletionTimestamp" in metadata
        conditions = {one["type"]: one for one in status.get("conditions") or ()}
        ready = conditions.get("Ready", {}).get("status") == "True" and not leaving
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            ordinal=int(metadata["name"].rpartition("-")[2]),
            revision=(metadata.get("labels") or {}).get("controller-revision-hash", ""),
            ready=ready,
            leaving=leaving,
            ready_since=str(conditions.get("Ready", {}).get("lastTransitionTime") or ""),
            restarts=sum(one.get("restartCount", 0) for one in _containers(status)),
            node=str(spec.get("nodeName") or ""),
            grace=float(spec.get("terminationGracePeriodSeconds") or 30),
            source=source_of(body),
            trouble=None if ready or leaving else _trouble(metadata["name"], status, conditions),
        )


class Scale(NamedTuple):
    """What a StatefulSet makes of its pods.

    Attributes:
        size: How many it is to keep.
        revision: The version of the template that new ones are made from; empty while its
            controller has not seen the latest change.
    """

    size: int
    revision: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Scale":
        """The record of a StatefulSet."""
        status = body.get("status") or {}
        seen = status.get("observedGeneration", 0) >= body["metadata"]["generation"]
        return cls(body["spec"]["replicas"], status.get("updateRevision", "") if seen else "")


@dataclass(frozen=True, slots=True)
class Fleet:
    """The pods of an app, and what their StatefulSet makes of them.

    Attributes:
        size: How many pods the StatefulSet is to keep; None: there is no StatefulSet yet.
        revision: The version of the pod template that new pods are made from; empty while the
            StatefulSet's controller has not seen the latest change.
        pods: The pods that are there, by ordinal.
    """

    size: int | None
    revision: str
    pods: tuple[Pod, ...]

    @classmethod
    def of(cls, scale: Scale | None, pods: Iterable[Pod]) -> "Fleet":
        """A StatefulSet, if there is one, and its pods in any order."""
        there = tuple(sorted(pods, key=lambda pod: pod.ordinal))
        return cls(None, "", there) if scale is None else cls(*scale, there)

    def rests(self, wanted: int) -> bool:
        """Whether nothing is to be done about the pods: all are there, ready, and of one version.

        Args:
            wanted: How many pods the app is to have.
        """
        return (
            self.size == wanted == len(self.pods)
            and bool(self.revision)
            and all(pod.ready and pod.revision == self.revision for pod in self.pods)
            and all(pod.ordinal < wanted for pod in self.pods)
        )

    @property
    def ready(self) -> int:
        """How many pods are ready."""
        return sum(pod.ready for pod in self.pods)

    def outdated(self, pod: Pod) -> bool:
        """Whether a pod was made from another version than new ones are."""
        return bool(self.revision) and pod.revision != self.revision


def source_of(body: Mapping[str, Any]) -> str | None:
    """The ConfigMap that a pod, or a template of pods, has its source from, if any."""
    for volume in (body.get("spec") or {}).get("volumes") or ():
        if volume["name"] == "source" and "configMap" in volume:
            return str(volume["configMap"]["name"])
    return None


def _trouble(name: str, status: Json, conditions: Json) -> Trouble | None:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("reason") == "Unschedulable":
        return Trouble("Unschedulable", f"{name}: {scheduled.get('message', '')}")
    return next((found for one in _containers(status) if (found := _failing(name, one))), None)


def _containers(status: Json) -> Iterator[Json]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _failing(pod: str, container: Json) -> Trouble | None:
    where = f"{pod}, container {container['name']}"
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _NO_IMAGE:
        said = waiting.get("message") or reason
        return Trouble("ImagePullFailed", f"{where}: image {container['image']}: {_short(said)}")
    if reason in _NO_START:
        return Trouble("ContainerFailed", f"{where}: {_short(waiting.get('message') or reason)}")
    ended = _last_end(container)
    if ended is None or container.get("ready"):
        return None
    if ended.get("reason") == "OOMKilled":
        return Trouble("OutOfMemory", f"{where} took more memory than its limit allows; raise it")
    said = _short(ended.get("message") or "") or "it left no message; see kubectl logs --previous"
    sentence = f"{where} ended with status {ended.get('exitCode')}: {said}"
    if container["name"] in names.SOURCE_STEPS:
        return Trouble("SourceFailed", sentence)
    return Trouble("CrashLooping", sentence)


def _last_end(container: Json) -> Json | None:
    for state in ("state", "lastState"):
        ended: Json | None = (container.get(state) or {}).get("terminated")
        if ended is not None and ended.get("exitCode") != 0:
            return ended
    return None


def _short(text: str) -> str:
    """The end of a text, on one line: what went wrong stands there."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    while len(lines) > 1 and len(" / ".join(lines)) > _LONGEST:
        del lines[0]  # whole: the end of a traceback is what matters, and half a word is none
    return " / ".join(lines)[-_LONGEST:]
