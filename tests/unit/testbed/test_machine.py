"""What the machine lacks, and installing it, with an apt-get that only notes what it is told."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.testbed import machine
from tests.e2e.testbed.errors import TestbedError


@pytest.fixture(autouse=True)
def _as_if_nothing_was_updated() -> Iterator[None]:
    machine._update.cache_clear()
    yield
    machine._update.cache_clear()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs; none but etcd is there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    put(tmp_path / "etcd")
    return tmp_path


def put(program: Path, text: str = "") -> None:
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_what_is_missing_is_named_with_its_packages(path: Path) -> None:
    assert machine.lacking("etcd") is None
    assert machine.lacking("etcd", "go", "javac", "ip", "bridge") == (
        "there is no go and no javac and no ip and no bridge here; "
        "install it (Debian's default-jdk-headless golang-go iproute2)"
    )


def test_only_what_is_missing_is_installed_and_the_lists_are_updated_once(path: Path) -> None:
    put(path / "apt-get", f'echo "$@" >> {path}/told')
    machine.provide("etcd")
    machine.provide("etcd", "mvn", "go")
    machine.provide("haproxy")
    assert (path / "told").read_text().splitlines() == [
        "-qq update",
        "-qq install -y --no-install-recommends golang-go maven",
        "-qq install -y --no-install-recommends haproxy",
    ]


def test_what_apt_cannot_install_is_told_in_its_words(path: Path) -> None:
    put(path / "apt-get", '[ "$2" = update ] || { echo E: no such package >&2; exit 100; }')
    with pytest.raises(TestbedError, match=r"`apt-get install .*maven` failed: E: no such package"):
        machine.provide("mvn")


def test_a_database_server_is_found_beside_the_path_and_brings_no_database(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = path / "etc" / "immutant.conf"
    monkeypatch.setattr(machine, "_NO_DATABASE", setting)
    monkeypatch.setattr(machine, "_SERVERS", str(path / "servers" / "*" / "bin"))
    assert machine.lacking("initdb", "postgres") == (
        "there is no initdb and no postgres here; install it (Debian's postgresql)"
    )
    put(path / "apt-get", f'[ "$2" = update ] || cp {setting} {path}/told')
    monkeypatch.setenv("PATH", f"{path}:{os.environ['PATH']}:/bin:/usr/bin")
    machine.install(["postgresql"])
    assert (path / "told").read_text() == "create_main_cluster = false\n"
    assert not setting.exists()
    servers = path / "servers" / "15" / "bin"
    servers.mkdir(parents=True)
    put(servers / "postgres")
    monkeypatch.setenv("PATH", str(path))
    assert machine.where("postgres") == str(servers / "postgres")


def test_without_apt_the_packages_are_named(path: Path) -> None:
    with pytest.raises(TestbedError, match="packages golang-go hold; there is no apt-get"):
        machine.provide("go")


def test_root_of_a_machine_that_lacks_programs_and_is_not_debian_has_no_testbed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_capabilities", lambda: -1)
    assert "there is no containerd and no runc" in str(machine.why_not())
    put(path / "apt-get")
    assert machine.why_not() is None
