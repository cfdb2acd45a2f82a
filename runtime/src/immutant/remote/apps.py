"""An ImmutantApp as a user's terminal sees it: its source, and what the operator says of it.

Belongs here: from the API server's JSON to records, and reading one app. Not here: changing it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from immutant.contract import names
from immutant.errors import MissingError
from immutant.remote.kubectl import Json, Kubectl

__all__ = ["BRANCH", "App", "Archive", "Condition", "PodRow", "read"]

BRANCH: Final = f"{names.ANNOTATION_PREFIX}branch"
"""On an ImmutantApp: the branch that was pushed last."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A source that was pushed: `spec.source.archive`.

    Attributes:
        config_maps: The ConfigMaps with its parts, in order.
        sha256: Of the joined parts, in hexadecimal digits.
        revision: What was pushed: a commit, or `dir-TIME`.
    """

    config_maps: tuple[str, ...]
    sha256: str
    revision: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Archive":
        """From the spec's JSON."""
        return cls(tuple(body["configMaps"]), body["sha256"], body.get("revision", ""))

    def to_spec(self) -> Json:
        """As the spec has it."""
        parts = list(self.config_maps)
        return {"configMaps": parts, "sha256": self.sha256, "revision": self.revision}

    @property
    def is_commit(self) -> bool:
        """Whether a commit was pushed, and no folder."""
        return len(self.revision) in (40, 64) and set(self.revision) <= set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the status; see docs/cluster.md."""

    status: str = "Unknown"
    reason: str = ""
    message: str = ""
    generation: int = 0


@dataclass(frozen=True, slots=True)
class PodRow:
    """What the status says of a pod.

    Attributes:
        name: Its name.
        ready: Whether it is ready.
        updated: Whether it is of the version that new pods are made from.
        drain: `draining`, `drained` or "".
    """

    name: str
    ready: bool
    updated: bool
    drain: str = ""


_UNKNOWN: Final = Condition()


@dataclass(frozen=True, slots=True)
class App:
    """One ImmutantApp.

    Attributes:
        name: Its name.
        namespace: Its namespace.
        uid: Its UID; another one under the same name has another.
        version: Its resourceVersion.
        generation: The number of its spec.
        replicas: How many pods are wanted.
        entrypoint: The application, such as `app:app`.
        image: The user's own image; "": there is none.
        source: `spec.source` as it stands.
        archive: What was pushed; None: the source is something else, or there is none.
        branch: The branch that was pushed last.
        deadline: Seconds without progress after which the operator calls a rollout stalled.
        observed: The generation that the status is about; 0: there is no status yet.
        url: Where it is served.
        pods: The pods, by number.
        conditions: The conditions, by type.
    """

    name: str
    namespace: str
    uid: str
    version: str
    generation: int
    replicas: int
    entrypoint: str
    image: str
    source: Mapping[str, Any]
    archive: Archive | None
    branch: str
    deadline: float
    observed: int
    url: str
    pods: tuple[PodRow, ...]
    conditions: Mapping[str, Condition]

    @classmethod
    def read(cls, body: Json) -> "App":
        """From the API server's JSON."""
        metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
        source = spec.get("source") or {}
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            version=metadata["resourceVersion"],
            generation=metadata.get("generation", 1),
            replicas=spec.get("replicas", 1),
            entrypoint=spec.get("entrypoint", "app:app"),
            image=spec.get("image", ""),
            source=source,
            archive=Archive.read(source["archive"]) if source.get("archive") else None,
            branch=(metadata.get("annotations") or {}).get(BRANCH, "main"),
            deadline=_seconds((spec.get("rollout") or {}).get("progressDeadline", "600s")),
            observed=status.get("observedGeneration", 0),
            url=status.get("url", ""),
            pods=tuple(_row(one) for one in status.get("pods") or ()),
            conditions={one["type"]: _condition(one) for one in status.get("conditions") or ()},
        )

    def condition(self, kind: str) -> Condition:
        """A condition, if it is about the spec as it stands in the status; else an unknown one."""
        found = self.conditions.get(kind, _UNKNOWN)
        return found if found.generation >= self.observed else _UNKNOWN


def _row(body: Json) -> PodRow:
    return PodRow(body["name"], body["ready"], body["updated"], body.get("drain") or "")


def _condition(body: Json) -> Condition:
    generation = body.get("observedGeneration", 0)
    return Condition(body["status"], body["reason"], body["message"], generation)


def _seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


def read(kubectl: Kubectl, name: str) -> App:
    """Read one app.

    Raises:
        MissingError: There is none of that name; the text says how to make it.
        ClusterError: It cannot be read.
    """
    try:
        return App.read(kubectl.get(names.PLURAL, name))
    except MissingError as error:
        where = f"namespace {kubectl.namespace}" if kubectl.namespace else "this namespace"
        option = f" --namespace {kubectl.namespace}" if kubectl.namespace else ""
        raise MissingError(
            f"there is no app {name} in {where}; make it: immutant create {name}{option}"
        ) from error
