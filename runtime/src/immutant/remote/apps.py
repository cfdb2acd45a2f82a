"""ImmutantApps as the API server shows them, read into records.

Belongs here: which apps there are and what their status says, leniently: an operator may be older
or newer. Not here: their pods (`pods`), and printing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from immutant.contract import names
from immutant.errors import ClusterError, MissingError
from immutant.remote.kubectl import Json, Kubectl

__all__ = ["AppView", "Condition", "Holder", "JobRun", "find", "only", "others"]

_RESOURCE = f"{names.PLURAL}.{names.GROUP}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, as Kubernetes has them."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Which pod runs a daemon or job, and since when (RFC 3339)."""

    kind: str
    name: str
    pod: str
    since: str


@dataclass(frozen=True, slots=True)
class JobRun:
    """How a job last ran: when it ended (RFC 3339; "": never yet), how, how many runs go on."""

    name: str
    ended: str
    outcome: str
    running: int


@dataclass(frozen=True, slots=True)
class AppView:
    """One application.

    Attributes:
        name: Its name.
        namespace: Where it is.
        uid: Its UID.
        created: When it was made, in RFC 3339.
        replicas: How many pods are wanted.
        ready: Ready pods of wanted ones, such as 2/3; "": no operator has said so yet.
        url: Where it is served; "": not known yet.
        host: The host that its Ingress or HTTPRoute asks for; "": none.
        source: The kind of its source: archive, configMap, git, image, or welcome for none.
        revision: What is deployed, where the source names it; "": it does not.
        runtime: The version of Immutant that its pods are of; "": not known.
        current: Whether the status is about the spec as it is now.
        conditions: By type.
        holders: Who holds its daemons and jobs.
        jobs: How its jobs last ran.
        failing: Daemons that fail again and again, as "NAME in POD".
        body: The whole object.
    """

    name: str
    namespace: str
    uid: str
    created: str
    replicas: int
    ready: str
    url: str
    host: str
    source: str
    revision: str
    runtime: str
    current: bool
    conditions: Mapping[str, Condition]
    holders: tuple[Holder, ...]
    jobs: tuple[JobRun, ...]
    failing: tuple[str, ...]
    body: Json

    @classmethod
    def of(cls, body: Json) -> "AppView":
        """Read an object."""
        metadata, spec, status = body["metadata"], body.get("spec") or {}, body.get("status") or {}
        conditions = (_condition(one) for one in status.get("conditions") or ())
        source, revision = _source(spec)
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            created=metadata.get("creationTimestamp", ""),
            replicas=spec.get("replicas", 1),
            ready=status.get("ready", ""),
            url=status.get("url", ""),
            host=(spec.get("web") or {}).get("host", ""),
            source=source,
            revision=revision,
            runtime=status.get("runtimeVersion", ""),
            current=status.get("observedGeneration") == metadata.get("generation"),
            conditions={one.type: one for one in conditions},
            holders=tuple(_holder(one) for one in status.get("holders") or ()),
            jobs=tuple(_job(one) for one in status.get("jobs") or ()),
            failing=tuple(f"{one['name']} in {one['pod']}" for one in status.get("failing") or ()),
            body=body,
        )

    @property
    def trouble(self) -> str:
        """What is wrong, in the operator's sentence; "": nothing is known."""
        degraded, ready = self.conditions.get("Degraded"), self.conditions.get("Ready")
        if degraded is not None and degraded.status == "True":
            return f"{degraded.reason}: {degraded.message}"
        if ready is None:
            return "no operator has looked at it yet"
        return "" if ready.status == "True" else ready.message


def find(kubectl: Kubectl, name: str) -> AppView:
    """One application.

    Raises:
        MissingError: There is none of this name; the text says which there are.
        ClusterError: The cluster does not tell.
    """
    try:
        return AppView.of(kubectl.get(_RESOURCE, name))
    except MissingError as error:
        there = ", ".join(one.name for one in others(kubectl)) or "none"
        where = f" in namespace {kubectl.namespace}" if kubectl.namespace else ""
        raise MissingError(
            f"there is no application {name}{where}, but {there}; make it with "
            f"`immutant create {name}`, or name its namespace: -n NAME"
        ) from error


def others(kubectl: Kubectl, *, everywhere: bool = False) -> list[AppView]:
    """All applications of the namespace, or of all namespaces."""
    scope = ["--all-namespaces"] if everywhere else []
    return [AppView.of(body) for body in kubectl.items(_RESOURCE, *scope)]


def only(kubectl: Kubectl, name: str = "") -> AppView:
    """The application that was named, or the only one that there is.

    Raises:
        ClusterError: None was named, and there is none or more than one.
    """
    if name:
        return find(kubectl, name)
    found = others(kubectl)
    if len(found) == 1:
        return found[0]
    where = f"in namespace {kubectl.namespace}" if kubectl.namespace else "in this namespace"
    if not found:
        raise ClusterError(
            f"no `immutant run` uses this folder, and there is no application {where} of the "
            "cluster: start one here (immutant run app.py), make one there (immutant create NAME), "
            "or name its namespace (-n NAME)"
        )
    raise ClusterError(
        f"there are {len(found)} applications {where}: name one of "
        f"{', '.join(one.name for one in found)}"
    )


def _condition(found: Mapping[str, Any]) -> Condition:
    return Condition(
        found["type"], found["status"], found.get("reason", ""), found.get("message", "")
    )


def _holder(found: Mapping[str, Any]) -> Holder:
    return Holder(found["kind"], found["name"], found["pod"], found.get("since", ""))


def _job(found: Mapping[str, Any]) -> JobRun:
    return JobRun(
        found["name"], found.get("ended", ""), found.get("outcome", ""), found.get("running", 0)
    )


def _source(spec: Mapping[str, Any]) -> tuple[str, str]:
    """What kind of source it has, and its revision."""
    if image := spec.get("image"):
        return "image", str(image)
    for kind, found in (spec.get("source") or {}).items():
        return kind, str(found.get("revision") or found.get("name") or "")
    return "welcome", ""
