"""What readers are told to type is there: subcommands of `immutant`, targets of make.

In the documents, and in what the programs themselves tell: a new app's files, the welcome page, the
chart's notes.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from tests.documents import DOCS, ROOT, blocks, name
from tests.unit.operator.apps import app

from immutant.cli.commands import SECTIONS, commands
from immutant.scaffold.folder import FILES, make
from immutant.welcome.site import Site

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


_LINE = re.compile(r"^(?:\$ )?immutant ([a-z][^|\n]*)", re.MULTILINE)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_line_of_a_document_is_understood(path: Path) -> None:
    for block in blocks():
        if block.path == path and block.kind in SHELLS:
            for line in _LINE.findall(block.code):
                command, *arguments = shlex.split(line, comments=True)
                understand(command, arguments)


_CALLED = re.compile(r"(?<!from )\bimmutant ([a-z][\w-]*)((?: [^\s`,;]+)*)")


def told(folder: Path) -> Iterator[str]:
    """What the programs tell, beside the documents."""
    make("till", folder)
    yield from ((folder / name).read_text() for name in FILES)
    for site in (Site("till"), Site("till", "shops")):
        yield from (line for step in site.steps(1) for line in (step.text, *step.commands))
    yield (ROOT / "charts" / "immutant" / "templates" / "NOTES.txt").read_text()


def understand(name: str, arguments: list[str]) -> None:
    """Parse a command's arguments; what is only mentioned has none."""
    group: Any = typer.main.get_command(commands)
    command = group.get_command(None, name)
    assert command is not None, name
    if arguments:
        command.make_context(name, arguments)


def test_a_command_that_the_programs_tell_is_understood(tmp_path: Path) -> None:
    found = [call for text in told(tmp_path / "till") for call in _CALLED.findall(text)]
    assert {"create", "run", "scale"} <= {command for command, _ in found}
    for command, arguments in found:
        understand(command, arguments.split())


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
