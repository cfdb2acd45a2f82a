"""The fields of an ImmutantApp as a page, from the CRD.

Belongs here: reading the schema into rows, and the rows' Markdown. Not here: the schema itself,
which the operator's models make (`make crd`).
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

import yaml
from tools.docs.outside import ROOT

__all__ = ["Field", "fields", "page"]

_CRD = ROOT / "crds" / "immutantapps.yaml"
Schema = dict[str, object]


class Field(NamedTuple):
    """One field: its path, such as `web.tls.secretName`, its type, default, bounds and meaning."""

    path: str
    type: str
    default: str
    bounds: str
    meaning: str


def page() -> str:
    """The tables of spec and status, and the rules between fields."""
    schema = _object(_version()["schema"])["openAPIV3Schema"]
    parts = _properties(_object(schema))
    return "".join(
        f"\n## `{name}`\n\n{_table(list(fields(parts[name])))}{_rules(parts[name])}"
        for name in ("spec", "status")
    )


def fields(schema: Schema, path: str = "") -> Iterator[Field]:
    """All fields below a schema, each before those in it."""
    required = schema.get("required", [])
    assert isinstance(required, list)
    for name, described in _properties(schema).items():
        inner = f"{path}.{name}" if path else name
        yield _field(inner, described, required=name in required)
        yield from fields(*_inside(described, inner))


def _inside(schema: Schema, path: str) -> tuple[Schema, str]:
    """What fields are looked for in: of a list's items, or of the object itself."""
    if "items" in schema:
        return _object(schema["items"]), f"{path}[]"
    return schema, path


def _field(path: str, schema: Schema, *, required: bool) -> Field:
    default = schema.get("default", "")
    shown = "" if default == "" or isinstance(default, dict) else json.dumps(default)
    if required:
        shown = "*needed*"
    meaning = str(schema.get("description", ""))
    return Field(path, _type(schema), shown, _bounds(schema), meaning)


def _type(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "items" in schema:
        return f"list of {_type(_object(schema['items']))}s"
    if "additionalProperties" in schema:
        return "map"
    return str(schema.get("type", "any"))


def _bounds(schema: Schema) -> str:
    if isinstance(choices := schema.get("enum"), list):
        return ", ".join(f"`{one}`" for one in choices)
    least, most = schema.get("minimum"), schema.get("maximum")
    return f"{least} to {most}" if least is not None and most is not None else ""


def _table(rows: list[Field]) -> str:
    lines = ["| field | type | default | values | meaning |", "|---|---|---|---|---|"]
    for row in rows:
        default = (
            row.default if row.default.startswith("*") or not row.default else f"`{row.default}`"
        )
        cells = (f"`{row.path}`", row.type, default, row.bounds, row.meaning)
        lines.append("| " + " | ".join(one.replace("|", "\\|") for one in cells) + " |")
    return "\n".join(lines) + "\n"


def _rules(schema: Schema) -> str:
    told = list(dict.fromkeys(_messages(schema)))
    if not told:
        return ""
    return (
        "\nThe API server refuses what breaks a rule between fields, in these words:\n\n"
        + "".join(f"- {one}\n" for one in told)
    )


def _messages(schema: Schema) -> Iterator[str]:
    validations = schema.get("x-kubernetes-validations", [])
    assert isinstance(validations, list)
    yield from (str(one["message"]) for one in validations if "message" in one)
    for described in _properties(schema).values():
        yield from _messages(described)
    if "items" in schema:
        yield from _messages(_object(schema["items"]))


def _version() -> Schema:
    (version,) = yaml.safe_load(_CRD.read_text())["spec"]["versions"]
    return _object(version)


def _properties(schema: Schema) -> dict[str, Schema]:
    return {name: _object(one) for name, one in _object(schema.get("properties", {})).items()}


def _object(value: object) -> Schema:
    assert isinstance(value, dict), f"a schema is a mapping, not {value!r}"
    return value
