"""What the documents tell readers to type is there: subcommands of `immutant`, targets of make."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.documents import DOCS, ROOT, blocks, name
from tests.unit.operator.apps import app

from immutant.cli.commands import SECTIONS

SHELLS = {"sh", "text", ""}
_INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
_TYPED = re.compile(r"^(?:\$ )?(immutant|make) ([a-z][\w-]*)", re.MULTILINE)
_INLINE = re.compile(r"`(immutant|make) ([a-z][\w-]*)[^`]*`")


def typed(path: Path) -> Iterator[tuple[str, str]]:
    """Each command and its first word, in a document's blocks and in its sentences."""
    fenced = [one.code for one in blocks() if one.path == path and one.kind in SHELLS]
    text = path.read_text()
    for part in [*fenced, "\n".join(_INDENTED.findall(text))]:
        yield from _TYPED.findall(part)
    yield from _INLINE.findall(text)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_that_a_document_names_exists(path: Path) -> None:
    known = {
        "immutant": {command for part in SECTIONS.values() for command in part},
        "make": targets(),
    }
    assert [one for one in typed(path) if one[1] not in known[one[0]]] == []


def test_the_documents_name_commands() -> None:
    found = {command for path in DOCS for command in typed(path)}
    assert {("immutant", "run"), ("immutant", "gears"), ("make", "test")} <= found


MANIFESTS = [
    pytest.param(body, id=name(block))
    for block in blocks()
    if block.kind == "yaml"
    for body in yaml.safe_load_all(block.code)
    if isinstance(body, dict) and body.get("kind") == "ImmutantApp"
]


@pytest.mark.parametrize("body", MANIFESTS)
def test_an_app_in_a_document_is_one(body: dict[str, object]) -> None:
    spec = body.get("spec") or {}
    assert isinstance(spec, dict)
    app(**spec)
