"""What the documents say is run: every Python block, and every path that they name exists."""

import inspect
import logging
import re
from pathlib import Path

import pytest
from tests.documents import DOCS, ROOT, Block, blocks, load, name

from immutant import App, testing

SOURCE = ROOT / "runtime" / "src" / "immutant"
NOT_CODE = {"", "text", "sh", "sql", "json", "yaml", "toml", "http", "mermaid"}
ELSEWHERE = {"python postgres"}
"""Code that needs a server: tests/integration/postgres runs it."""

_NAMED = re.compile(r"`((?:docs|examples|requirements|runtime|tests|tools)/[\w./-]+)`")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_MAPPED = re.compile(r"^- `([\w/]+\.py)`: ", re.MULTILINE)


PYTHON = [block for block in blocks() if block.kind == "python"]


async def start_and_stop(app: App) -> None:
    async with testing.cluster(app) as cluster:
        await cluster.settled()
        await cluster.stop(cluster.replicas[0])


@pytest.mark.parametrize("block", PYTHON, ids=map(name, PYTHON))
async def test_a_block_starts_and_stops_and_its_own_tests_pass(
    block: Block,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    defined = vars(load(block))
    if isinstance(app := defined.get("app"), App):
        await start_and_stop(app)
        assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
    for test in [one for what, one in defined.items() if what.startswith("test_")]:
        assert inspect.iscoroutinefunction(test), "a test in a document is `async def`"
        await test()


def test_every_block_is_of_a_kind_that_is_known() -> None:
    unknown = [
        name(block) for block in blocks() if block.kind not in NOT_CODE | ELSEWHERE | {"python"}
    ]
    assert unknown == [], "write ```python for code that is to run, or one of the kinds in NOT_CODE"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_document_names_exists(path: Path) -> None:
    text = path.read_text()
    named = [ROOT / one for one in _NAMED.findall(text)]
    linked = [path.parent / one for one in _LINK.findall(text)]
    assert [str(one) for one in named + linked if not one.exists()] == []


def test_the_map_of_the_source_names_every_module_once_and_no_other() -> None:
    mapped = _MAPPED.findall((ROOT / "docs" / "architecture.md").read_text())
    there = [str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")]
    modules = [one for one in there if not one.endswith("__init__.py")]
    assert sorted(mapped) == sorted(modules), "docs/architecture.md ends in a line for each module"
