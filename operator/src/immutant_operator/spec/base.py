"""What all models of the spec share: the base, rules in CEL, and values with units.

Belongs here: how a field is written and validated, whatever it is for. Not here: the fields.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Final, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

__all__ = [
    "Bytes",
    "FreeForm",
    "Model",
    "Name",
    "Rule",
    "Seconds",
    "one_line",
    "ruled",
    "validations",
]


class Rule(NamedTuple):
    """What the API server checks across fields: a CEL expression, and what to write instead."""

    expression: str
    message: str


class Model(BaseModel):
    """Frozen, in camelCase outside.

    Unknown fields are left out: the API server has refused them by then, or a newer CRD knows them.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


def ruled(*rules: Rule) -> ConfigDict:
    """The configuration of a model with rules."""
    return ConfigDict(**Model.model_config, json_schema_extra=validations(rules))


def validations(rules: Iterable[Rule]) -> dict[str, JsonValue]:
    """The rules as a schema carries them."""
    listed: list[JsonValue] = [{"rule": rule.expression, "message": rule.message} for rule in rules]
    return {"x-kubernetes-validations": listed}


def one_line(text: str | None) -> str:
    """A docstring as a sentence without line breaks."""
    return " ".join((text or "").split())


_SECONDS: Final = r"^([0-9]{1,4}(\.[0-9]{1,3})?s|[0-9]{1,7}ms)$"
_BYTES: Final = r"^[0-9]{1,6}(Mi|Gi)$"
_UNITS: Final = {"Mi": 1 << 20, "Gi": 1 << 30}


def _parse_seconds(text: object) -> object:
    if not isinstance(text, str):
        return text
    if not re.match(_SECONDS, text):
        raise ValueError(f"{text!r} is no duration; write seconds or milliseconds: 4s, 2.5s, 250ms")
    return float(text[:-2]) / 1000 if text.endswith("ms") else float(text[:-1])


def _parse_bytes(text: object) -> object:
    if not isinstance(text, str):
        return text
    if not re.match(_BYTES, text):
        raise ValueError(f"{text!r} is no amount of memory; write it as 128Mi or 1Gi")
    return int(text[:-2]) * _UNITS[text[-2:]]


Seconds = Annotated[
    float,
    BeforeValidator(_parse_seconds),
    PlainSerializer(lambda value: f"{value:g}s", return_type=str),
    WithJsonSchema({"type": "string", "pattern": _SECONDS, "maxLength": 9}),
]
"""A duration, written `4s`, `2.5s` or `250ms`; milliseconds are the finest."""

Bytes = Annotated[
    int,
    BeforeValidator(_parse_bytes),
    PlainSerializer(lambda value: f"{value >> 20}Mi", return_type=str),
    WithJsonSchema({"type": "string", "pattern": _BYTES, "maxLength": 8}),
]
"""An amount of memory, written `128Mi` or `1Gi`."""

Name = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            "minLength": 1,
            "maxLength": 253,
        }
    ),
]
"""The name of an object beside the app."""

FreeForm = Annotated[
    dict[str, JsonValue],
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
]
"""Passed on as it is: Kubernetes checks it where it is used."""
