"""The cache of programs, with a Go that only writes files."""

import os
from pathlib import Path

import pytest
from tests.e2e.testbed import programs
from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.recipes import Recipe

TOOL = Recipe("tool", "1", source="package main")
GO = """#!/bin/sh
case "$1" in
env) echo go1.26.8 ;;
build) echo built > bin/tool; {then} ;;
esac
"""


@pytest.fixture(autouse=True)
def _one_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "RECIPES", (TOOL,))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    use_go(tmp_path)


def use_go(folder: Path, then: str = "exit 0") -> None:
    go = folder / "go"
    go.write_text(GO.replace("{then}", then))
    go.chmod(0o755)


def test_a_program_is_built_once() -> None:
    assert programs.build() == ["tool"]
    assert programs.program("tool").read_text() == "built\n"
    assert programs.build() == []


def test_what_has_not_been_built_is_named_with_the_remedy() -> None:
    with pytest.raises(TestbedError, match=r"tool has not been built; run .* build"):
        programs.program("tool")


def test_a_build_that_fails_leaves_no_program_and_says_what_go_said(tmp_path: Path) -> None:
    use_go(tmp_path, then="echo no such module >&2; exit 1")
    with pytest.raises(TestbedError, match="no such module"):
        programs.build()
    with pytest.raises(TestbedError, match="has not been built"):
        programs.program("tool")


def test_what_an_interrupted_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / "cache" / "immutant" / "programs" / f".{TOOL.key}.abc"
    (left / "bin").mkdir(parents=True)
    programs.build()
    assert not left.exists()
    assert [entry.name for entry in left.parent.iterdir() if entry.is_dir()] == [TOOL.key]


def test_a_recipe_is_built_by_its_name_and_without_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "RECIPES", (Recipe("other", "1", source="package main"), TOOL))
    assert programs.build("tool") == ["tool"]
    assert programs.build() == ["other"]
