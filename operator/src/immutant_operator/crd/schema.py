"""From models to a structural schema, as Kubernetes demands it.

Belongs here: the differences between pydantic's JSON schema and a structural one. Not here: what
the models say.
"""

from typing import Any

from immutant_operator.spec.base import Model, one_line

__all__ = ["structural"]

Schema = dict[str, Any]

_DROPPED = {"title", "$defs"}


def structural(model: type[Model]) -> Schema:
    """The model's schema without references, titles and nulls."""
    schema = model.model_json_schema(mode="serialization", by_alias=True)
    return _plain(schema, schema.get("$defs", {}))


def _plain(schema: Schema, known: Schema) -> Schema:
    if schema.get("x-kubernetes-int-or-string"):
        return {key: schema[key] for key in schema if key not in _DROPPED}
    schema = _resolved(_without_null(schema), known)
    plain = {key: value for key, value in schema.items() if key not in _DROPPED}
    if "description" in plain:
        plain["description"] = one_line(plain["description"])
    if "default" in plain:
        plain["default"] = _given(plain["default"])
    if isinstance(plain.get("additionalProperties"), dict):
        plain["additionalProperties"] = _plain(plain["additionalProperties"], known)
    if "items" in plain:
        plain["items"] = _plain(plain["items"], known)
    if "properties" in plain:
        fields = plain["properties"].items()
        plain["properties"] = {name: _plain(field, known) for name, field in fields}
    return plain


def _resolved(schema: Schema, known: Schema) -> Schema:
    """The schema that a reference means; what stands beside the reference wins."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**known[reference.rsplit("/", 1)[1]], **beside}


def _without_null(schema: Schema) -> Schema:
    """An optional field: absent, never null."""
    options = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) != 1:
        return schema
    beside = {k: v for k, v in schema.items() if k != "anyOf" and (k, v) != ("default", None)}
    return {**options[0], **beside}


def _given(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A default without what is not set, which is absent and never null."""
    if isinstance(value, dict):
        return {key: _given(one) for key, one in value.items() if one is not None}
    return value
