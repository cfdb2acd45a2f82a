"""Whose testbed it is, which cluster is meant, and what is said where none can be."""

import sys
from pathlib import Path

import pytest
from tests.e2e.testbed import given_kubeconfig, machine, owner, why_no_testbed
from tests.e2e.testbed.__main__ import main
from tests.e2e.testbed.controlplane import KUBECONFIG
from tests.e2e.testbed.errors import TestbedError, wait_until


@pytest.fixture
def machine_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(owner, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(owner, "STATE", tmp_path / "state")
    monkeypatch.setattr(owner, "_OWNER", tmp_path / "state" / "owner")
    return tmp_path


def test_two_commands_do_not_change_the_testbed_at_a_time(machine_of_its_own: Path) -> None:
    with (
        owner.changing(),
        pytest.raises(TestbedError, match="another command changes"),
        owner.changing(),
    ):
        pass


@pytest.fixture
def another(machine_of_its_own: Path) -> Path:
    """Another checkout, which has raised the testbed."""
    other = machine_of_its_own / "other"
    other.mkdir()
    owner.claim()
    owner.refuse_others()
    (machine_of_its_own / "state" / "owner").write_text(str(other))
    return other


def test_the_testbed_of_another_checkout_is_left_alone(
    another: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "members", lambda _: iter([1]))
    with pytest.raises(TestbedError, match=rf"{another} runs .*`make testbed-down`"):
        owner.refuse_others()


def test_what_another_checkout_left_behind_dead_is_nobodys(
    another: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, "members", lambda _: iter([]))
    owner.refuse_others()


def test_the_testbed_of_a_checkout_that_is_gone_is_nobodys(machine_of_its_own: Path) -> None:
    owner.claim()
    (machine_of_its_own / "state" / "owner").write_text(str(machine_of_its_own / "gone"))
    owner.refuse_others()


def test_a_given_kubeconfig_replaces_the_testbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/me/.kube/config")
    assert given_kubeconfig() == Path("/home/me/.kube/config")
    assert "unset KUBECONFIG" in (why_no_testbed() or "")


def test_the_testbeds_own_kubeconfig_replaces_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(KUBECONFIG))
    assert given_kubeconfig() is None


def test_without_root_one_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["up"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("testbed: the testbed needs root")
    assert said.count("\n") == 1


def test_elsewhere_than_on_linux_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "needs Linux" in (machine.why_not() or "")


def test_what_does_not_come_is_named_with_where_to_look() -> None:
    with pytest.raises(TestbedError, match="the sun did not come in 0 s; look into the sky"):
        wait_until("the sun", lambda: False, 0.0, "the sky")
