"""An ImmutantApp as a user's terminal sees it: its source, and what the operator says of it.

Belongs here: from the API server's JSON to records, and reading one app. Not here: changing it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from immutant.contract import names
from immutant.errors import ClusterError, MissingError
from immutant.remote.kubectl import Json, Kubectl

__all__ = [
    "BRANCH",
    "App",
    "Archive",
    "Condition",
    "Deployed",
    "Holder",
    "JobRun",
    "PodRow",
    "everywhere",
    "is_commit",
    "of_namespace",
    "only",
    "read",
]

BRANCH: Final = f"{names.ANNOTATION_PREFIX}branch"
"""On an ImmutantApp: the branch that was pushed last."""

_RESOURCE: Final = f"{names.PLURAL}.{names.GROUP}"


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
        return is_commit(self.revision)


def is_commit(revision: str) -> bool:
    """Whether this is what a commit is called."""
    return len(revision) in (40, 64) and set(revision) <= set("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Deployed:
    """What the operator says became of an archive.

    Attributes:
        sha256: Its digest.
        revision: What it is called.
        outcome: `served` by all pods, `failed`, or `begun`: neither.
    """

    sha256: str
    revision: str
    outcome: str


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
        member: Whether it says that its member is in the grid.
        drain: `draining`, `drained` or "".
    """

    name: str
    ready: bool
    updated: bool
    member: bool = False
    drain: str = ""


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


_UNKNOWN: Final = Condition()


@dataclass(frozen=True, slots=True)
class App:
    """One ImmutantApp.

    Attributes:
        name: Its name.
        namespace: Its namespace.
        uid: Its UID; another one under the same name has another.
        version: Its resourceVersion.
        created: When it was made, in RFC 3339.
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
        ready: Ready pods of wanted ones, such as 2/3; "": no operator has said so yet.
        runtime: The version of Immutant that its pods are of; "": not known.
        deployed: What became of its archives, the newest first; none: nothing was written down.
        running: The source that its pods are made from, as the status says it.
        pods: The pods, by number.
        holders: Who holds its daemons and jobs.
        jobs: How its jobs last ran.
        jobs_as_of: When that was written (RFC 3339): at most once a minute, and where it differs.
        failing: Daemons that fail again and again, as "NAME in POD".
        conditions: The conditions, by type.
    """

    name: str
    namespace: str
    uid: str
    version: str
    created: str
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
    ready: str
    runtime: str
    running: str
    deployed: tuple[Deployed, ...]
    pods: tuple[PodRow, ...]
    holders: tuple[Holder, ...]
    jobs: tuple[JobRun, ...]
    jobs_as_of: str
    failing: tuple[str, ...]
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
            created=metadata.get("creationTimestamp", ""),
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
            ready=status.get("ready", ""),
            runtime=status.get("runtimeVersion", ""),
            running=(status.get("source") or {}).get("short", ""),
            deployed=tuple(_deployed(one) for one in status.get("archives") or ()),
            pods=tuple(_row(one) for one in status.get("pods") or ()),
            holders=tuple(_holder(one) for one in status.get("holders") or ()),
            jobs=tuple(_job(one) for one in status.get("jobs") or ()),
            jobs_as_of=status.get("jobsAsOf", ""),
            failing=tuple(f"{one['name']} in {one['pod']}" for one in status.get("failing") or ()),
            conditions={one["type"]: _condition(one) for one in status.get("conditions") or ()},
        )

    @property
    def kind(self) -> str:
        """What its source is: archive, configMap, git, image, or welcome for none."""
        return "image" if self.image else next((one for one in self.source), "welcome")

    @property
    def trouble(self) -> str:
        """What is wrong, in the operator's sentence; "": nothing is known."""
        degraded, ready = self.conditions.get("Degraded"), self.conditions.get("Ready")
        if degraded is not None and degraded.status == "True":
            return f"{degraded.reason}: {degraded.message}"
        if ready is None:
            return "no operator has looked at it yet"
        return "" if ready.status == "True" else ready.message

    def condition(self, kind: str) -> Condition:
        """A condition, if it is about the spec as it stands in the status; else an unknown one."""
        found = self.conditions.get(kind, _UNKNOWN)
        return found if found.generation >= self.observed else _UNKNOWN


def _deployed(body: Json) -> Deployed:
    return Deployed(body["sha256"], body["revision"], body["outcome"])


def _row(body: Json) -> PodRow:
    return PodRow(
        body["name"],
        body["ready"],
        body["updated"],
        member=bool(body.get("member")),
        drain=body.get("drain") or "",
    )


def _holder(body: Json) -> Holder:
    return Holder(body["kind"], body["name"], body["pod"], body.get("since", ""))


def _job(body: Json) -> JobRun:
    return JobRun(
        body["name"], body.get("ended", ""), body.get("outcome", ""), body.get("running", 0)
    )


def _condition(body: Json) -> Condition:
    generation = body.get("observedGeneration", 0)
    return Condition(body["status"], body["reason"], body["message"], generation)


def _seconds(text: str) -> float:
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


def read(kubectl: Kubectl, name: str, remedy: str = "") -> App:
    """Read one app.

    Args:
        kubectl: Its cluster and namespace.
        name: Its name.
        remedy: What to do where there is none; "": to make it.

    Raises:
        MissingError: There is none of that name; the text says what to do.
        ClusterError: It cannot be read.
    """
    try:
        return App.read(kubectl.get(_RESOURCE, name))
    except MissingError as error:
        where = f"namespace {kubectl.namespace}" if kubectl.namespace else "this namespace"
        option = f" --namespace {kubectl.namespace}" if kubectl.namespace else ""
        remedy = remedy or f"make it: immutant create {name}{option}"
        there = _listed(kubectl)
        raise MissingError(f"there is no app {name} in {where}{there}; {remedy}") from error


def _listed(kubectl: Kubectl) -> str:
    """The apps that there are, for whoever has named another."""
    try:
        names = [app.name for app in of_namespace(kubectl)]
    except ClusterError:  # an account may read one app and list none
        return ""
    return f" (there are: {', '.join(names)})" if names else ""


def of_namespace(kubectl: Kubectl) -> list[App]:
    """All apps of the namespace."""
    return [App.read(body) for body in kubectl.items(_RESOURCE)]


def everywhere(kubectl: Kubectl) -> list[App]:
    """All apps of all namespaces."""
    return [App.read(body) for body in kubectl.items(_RESOURCE, "--all-namespaces")]


def only(kubectl: Kubectl, name: str = "") -> App:
    """The app that was named, or the only one that there is.

    Raises:
        ClusterError: None was named, and there is none or more than one.
    """
    if name:
        return read(kubectl, name)
    found = of_namespace(kubectl)
    if len(found) == 1:
        return found[0]
    where = f"in namespace {kubectl.namespace}" if kubectl.namespace else "in this namespace"
    if not found:
        raise ClusterError(
            f"no `immutant run` uses this folder, and there is no app {where} of the cluster: "
            "start one here (immutant run app.py), make one there (immutant create NAME), or name "
            "its namespace (-n NAME)"
        )
    raise ClusterError(
        f"there are {len(found)} apps {where}: name one of {', '.join(one.name for one in found)}"
    )
