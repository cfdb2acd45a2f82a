"""What the operator reports: the fields under `status`.

Belongs here: the fields, for the CRD. Not here: how they are found out
(`immutant_operator.status`).
"""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from immutant_operator.spec.base import Model

__all__ = ["AppStatus", "Condition"]


class Condition(Model):
    """One thing that is so or not, in Kubernetes' terms."""

    type: Annotated[str, Field(max_length=316)]
    """What is so or not: Ready, Progressing, Degraded."""
    status: Literal["True", "False", "Unknown"]
    """Whether it is so."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """Why, in one word."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, in a sentence."""
    observed_generation: int
    """The spec that this is about."""
    last_transition_time: Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
    """Since when it is so."""


_BY_TYPE = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class AppStatus(Model):
    """What the operator has found out."""

    observed_generation: int | None = None
    """The spec that the rest is about."""
    replicas: int | None = None
    """How many pods there are."""
    ready_replicas: int | None = None
    """How many of them are ready."""
    ready: str | None = None
    """Ready pods of those that are wanted, such as 2/2."""
    selector: str | None = None
    """The labels of the app's pods, for `kubectl scale` and autoscalers."""
    url: str | None = None
    """Where the app is served."""
    conditions: Annotated[tuple[Condition, ...], Field(json_schema_extra=_BY_TYPE)] | None = None
    """Ready, Progressing and Degraded."""
