"""What the operator reports: the fields under `status`.

Belongs here: the fields, for the CRD. Not here: how they are found out
(`immutant_operator.status`).
"""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from immutant_operator.spec.base import Model
from immutant_operator.spec.source import SourceKind

__all__ = [
    "AppStatus",
    "ArchiveRow",
    "Condition",
    "FailingDaemon",
    "Holder",
    "JobRun",
    "Outcome",
    "PodRow",
    "SourceState",
]


Outcome = Literal["begun", "served", "failed"]

_Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
_Word = Annotated[str, Field(max_length=253)]
_Text = Annotated[str, Field(max_length=1024)]


class Holder(Model):
    """Which pod runs a singleton."""

    kind: Literal["daemon", "job"]
    """Whether it is a daemon or a job."""
    name: _Word
    """Its name."""
    pod: _Word
    """The pod that holds its Lease."""
    since: _Moment
    """Since when."""


class JobRun(Model):
    """How a job last ran."""

    name: _Word
    """The job's name."""
    due: _Moment | None = None
    """When the last run that ended had been due."""
    ended: _Moment | None = None
    """When it ended."""
    outcome: _Text | None = None
    """How it ended: ok, interrupted, cancelled, or the error."""
    running: int = 0
    """How many of its runs went on."""


class FailingDaemon(Model):
    """A daemon whose code fails again and again."""

    kind: Literal["daemon", "job"]
    """Whether it is a daemon or a job."""
    name: _Word
    """Its name."""
    pod: _Word
    """The pod in which it fails."""


class SourceState(Model):
    """The source that new pods are made from."""

    kind: SourceKind
    """Where it comes from: configMap, archive or git."""
    revision: _Text
    """Which it is: the commit, what its archive is called, or the digest of the files."""
    short: _Word
    """The same, short."""


class ArchiveRow(Model):
    """What became of an archive that was deployed."""

    sha256: _Word
    """Its digest."""
    revision: Annotated[str, Field(max_length=64)]
    """What it is called."""
    outcome: Outcome
    """Whether all pods came to serve it (served), it did not come up (failed), or neither is known
    of it: its rollout goes on, or was overtaken by the next (begun)."""
    since: _Moment
    """Since when that is known; of what served, when it last came to."""


class PodRow(Model):
    """One pod."""

    name: _Word
    """Its name."""
    ready: bool
    """Whether it is ready."""
    member: bool
    """Whether it says that its member is in the grid."""
    singletons: int
    """How many daemons and jobs it holds."""
    updated: bool
    """Whether it is of the version that new pods are made from."""
    drain: Literal["draining", "drained"] | None = None
    """How far it is with leaving, if it is about to."""


class Condition(Model):
    """One thing that is so or not, in Kubernetes' terms."""

    type: Annotated[str, Field(max_length=316)]
    """What is so or not: Ready, Progressing, Degraded, GridSafe, DataAtRisk."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, in one word."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, in a sentence."""
    observed_generation: int
    """The spec that this is about."""
    last_transition_time: _Moment
    """Since when it is so."""


_WHOLE = {"x-kubernetes-list-type": "atomic"}
_BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class AppStatus(Model):
    """What the operator has found out."""

    observed_generation: int | None = None
    """The spec that the rest is about."""
    replicas: int | None = None
    """How many pods there are."""
    ready_replicas: int | None = None
    """How many of them are ready."""
    updated_replicas: int | None = None
    """How many of them are of the version that new pods are made from."""
    current_revision: _Word | None = None
    """The version that a rollout comes from: of the pods that are still to be replaced."""
    update_revision: _Word | None = None
    """The version that a rollout goes to: new pods are made from it."""
    progressed_at: _Moment | None = None
    """When a rollout last came a step further."""
    runtime_version: _Word | None = None
    """The version of Immutant that the pods are of; another waits for the app's next rollout."""
    source: SourceState | None = None
    """The source that new pods are made from."""
    archives: Annotated[tuple[ArchiveRow, ...], Field(json_schema_extra=_WHOLE)] | None = None
    """What became of the archives that were deployed, the newest first; 10 that served at most, and
    10 others."""
    ready: str | None = None
    """Ready pods of those that are wanted, such as 2/2."""
    selector: str | None = None
    """The labels of the app's pods, for `kubectl scale` and autoscalers."""
    url: str | None = None
    """Where the app is served."""
    pods: Annotated[tuple[PodRow, ...], Field(json_schema_extra=_WHOLE)] | None = None
    """The pods, 500 at most, by number."""
    singletons: int | None = None
    """How many daemons and jobs are held, those beyond the first 500 included."""
    holders: Annotated[tuple[Holder, ...], Field(json_schema_extra=_WHOLE)] | None = None
    """Who holds the daemons and jobs, 500 at most, by name."""
    jobs: Annotated[tuple[JobRun, ...], Field(json_schema_extra=_WHOLE)] | None = None
    """How the jobs last ran, 500 at most, by name; looked at once a minute at most."""
    jobs_as_of: _Moment | None = None
    """When something in `jobs` was last written down here."""
    failing: Annotated[tuple[FailingDaemon, ...], Field(json_schema_extra=_WHOLE)] | None = None
    """Daemons that fail again and again, 500 at most."""
    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=_BY_TYPE)] | None = None
    """Ready, Progressing, Degraded, GridSafe and DataAtRisk."""
