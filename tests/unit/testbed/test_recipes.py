"""The names of built programs, and what Go is told."""

from dataclasses import replace

import pytest
from tests.e2e.testbed.recipes import (
    RECIPES,
    Recipe,
    go_mod,
    newer_or_same,
    staging_modules,
)

TOOL = Recipe("tool", "1.2.3", ("example.org/tool",))


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.2.4"},
        {"packages": ("example.org/tool", "example.org/other")},
        {"replaces": {"a": "b v1"}},
        {"stamps": {"main.version": "2"}},
        {"source": "package main"},
    ],
)
def test_another_recipe_has_another_name_in_the_cache(change: dict[str, object]) -> None:
    assert replace(TOOL, **change).key != TOOL.key  # type: ignore[arg-type]


def test_the_same_recipe_has_the_same_name() -> None:
    assert Recipe("tool", "1.2.3", ("example.org/tool",)).key == TOOL.key
    assert TOOL.key.startswith("tool-1.2.3-")


def test_no_two_recipes_share_a_program() -> None:
    programs = [package.rpartition("/")[2] for recipe in RECIPES for package in recipe.packages]
    assert len(set(programs)) == len(programs)


def test_the_linker_is_told_every_stamp() -> None:
    stamped = replace(TOOL, stamps={"main.version": "2"})
    assert stamped.linker_flags == "-s -w -X main.version=2"


def test_go_mod_names_replacements() -> None:
    assert go_mod(TOOL, {"a": "b v1"}) == "module testbed/tool\ngo 1.25.0\nreplace a => b v1\n"


def test_staging_modules_are_replaced_by_their_releases() -> None:
    text = "replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n\tother => example.org/o v1\n)\n"
    single = "replace k8s.io/cri-api => ./staging/src/k8s.io/cri-api\n"
    assert staging_modules(text + single, "1.35.4") == {
        "k8s.io/api": "k8s.io/api v0.35.4",
        "k8s.io/cri-api": "k8s.io/cri-api v0.35.4",
    }


@pytest.mark.parametrize(
    ("version", "enough"),
    [("go1.26.8", True), ("go1.27", True), ("go2.0", True), ("go1.9.1", False), ("devel", False)],
)
def test_go_versions_compare_by_number(version: str, enough: bool) -> None:
    assert newer_or_same(version, (1, 26)) is enough
