"""The values of the chart as a page, from the comments in its values.yaml.

Belongs here: reading comments and defaults. Not here: what they say.

The comment above a key says what it means, and what the keys below it mean that have none.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml
from tools.docs.outside import ROOT

__all__ = ["Value", "page", "values"]

_VALUES = ROOT / "charts" / "immutant" / "values.yaml"
_KEY = re.compile(r"( *)(\w+):")
_INDENT = 2


class Value(NamedTuple):
    """One value: its path, such as `images.tag`, its default as JSON, its meaning."""

    path: str
    default: str
    meaning: str


def page() -> str:
    """The table of all values."""
    lines = ["\n| value | default | meaning |", "|---|---|---|"]
    for one in values(_VALUES.read_text()):
        cells = (f"`{one.path}`", f"`{one.default}`", one.meaning)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def values(text: str) -> Iterator[Value]:
    """Every value that can be set by itself.

    Args:
        text: Of a values.yaml.
    """
    defaults = yaml.safe_load(text)
    for path, meanings in _keys(text):
        default = _at(defaults, path)
        if not (isinstance(default, dict) and default):
            meaning = next((one for one in reversed(meanings) if one), "")
            yield Value(".".join(path), json.dumps(default), meaning)


def _keys(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Each key's path, and the comments above the keys on that path."""
    path: list[str] = []
    meanings: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip(" #").rstrip())
            continue
        if found := _KEY.match(line):
            depth = len(found[1]) // _INDENT
            path = [*path[:depth], found[2]]
            meanings = [*meanings[:depth], " ".join(comment)]
            yield path, meanings
        comment = []


def _at(defaults: object, path: list[str]) -> object:
    for key in path:
        assert isinstance(defaults, dict)
        defaults = defaults[key]
    return defaults
