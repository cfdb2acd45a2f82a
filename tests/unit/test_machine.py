"""What is made ready for the tests, and what is said where that cannot be done."""

import os
import sys
from pathlib import Path

import pytest
from tests import machine
from tests.e2e.testbed import TestbedError
from tests.e2e.testbed import machine as debian


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs, of root; nothing is there."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return programs


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "notes"
    file.touch()
    monkeypatch.setenv("IMMUTANT_NOT_RUN", str(file))
    return file


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of two purposes, those whose parts were made; there is no testbed."""
    made: list[str] = []
    monkeypatch.setattr(machine, "why_no_testbed", lambda: "there is none")
    purposes = (
        ("members", ("javac", "mvn"), lambda: made.append("members")),
        ("charts", ("go",), lambda: made.append("charts")),
    )
    monkeypatch.setattr(machine, "_PURPOSES", purposes)
    return made


def put(program: Path) -> None:
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def test_a_package_that_cannot_be_had_leaves_out_only_what_needs_it(
    path: Path, notes: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(packages: list[str]) -> None:
        if "maven" in packages:
            raise TestbedError("apt-get failed:\nE: no maven")
        put(path / "go")

    put(path / "apt-get")
    monkeypatch.setattr(debian, "install", install)
    assert machine.main() == 0
    assert made == ["charts"]
    assert notes.read_text() == "not run: members: apt-get failed: E: no maven\n"


def test_nothing_is_installed_by_somebody_else_than_root(
    path: Path, notes: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    put(path / "apt-get")
    put(path / "go")
    assert machine.main() == 0
    assert made == ["charts"]
    assert notes.read_text().startswith("not run: members: there is no javac and no mvn here; ")


def test_a_note_is_left_once(notes: Path) -> None:
    machine.not_run("this", "that")
    machine.not_run("this", "that")
    assert notes.read_text() == "not run: this: that\n"


def test_a_build_that_fails_ends_it_with_one_sentence(
    path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise TestbedError("go failed")

    monkeypatch.setattr(machine, "_PURPOSES", (("anything", (), fail),))
    with pytest.raises(SystemExit, match="machine: go failed"):
        machine.main()


def test_tests_that_call_the_kernel_of_linux_say_so_elsewhere(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path / "go")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine.lacking(machine.LINUX, "go") == "these tests need Linux, and this is darwin"
    assert machine.lacking("go") is None
    with pytest.raises(pytest.skip.Exception, match="need Linux"):
        machine.need(*machine.API_SERVER)
