"""What users set on any workload: environment, resources, placement.

Belongs here: the fields that end up in the pod as users wrote them. Not here: the pod.
"""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from immutant_operator.spec.base import Bytes, FreeForm, Model, Name, Rule, ruled

__all__ = ["Cache", "EnvVar", "LocalReference", "Resources"]

_QUANTITIES = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$",
        "x-kubernetes-int-or-string": True,
    },
}

Quantities = Annotated[dict[str, int | str], WithJsonSchema(_QUANTITIES)]
"""Amounts by resource: cpu, memory, ephemeral-storage."""


class EnvVar(Model):
    """One environment variable of the app."""

    model_config = ruled(
        Rule(
            "!self.name.startsWith('IMMUTANT_')",
            "names that begin with IMMUTANT_ are set by the operator; choose another name",
        ),
        Rule(
            "!(has(self.value) && has(self.valueFrom))",
            "value and valueFrom exclude each other; write one of them",
        ),
    )

    name: Annotated[str, Field(min_length=1, max_length=256)]
    """The variable's name."""
    value: Annotated[str, Field(max_length=65536)] | None = None
    """Its value."""
    value_from: FreeForm | None = None
    """Where its value comes from, as in a pod: configMapKeyRef, secretKeyRef, fieldRef."""


class LocalReference(Model):
    """An object of the app's namespace."""

    name: Name
    """Its name."""


class Resources(Model):
    """What the app's container asks for and may use, beside grid and sidecar."""

    limits: Quantities = Field(default_factory=dict)
    """What it may use."""
    requests: Quantities = Field(default_factory=dict)
    """What is kept free for it."""


class Cache(Model):
    """The data grid of the app's pods."""

    model_config = ruled(
        Rule(
            "quantity(self.memory).compareTo(quantity('64Mi')) >= 0",
            "memory must be at least 64Mi; 128Mi is usual",
        )
    )

    owners: Annotated[int, Field(ge=1, le=4)] = 2
    """How many pods keep each entry."""
    memory: Bytes = 128 << 20
    """The heap of each pod's grid member, such as 128Mi."""
