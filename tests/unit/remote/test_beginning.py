"""What is to be typed after `immutant create`; kubectl is a stand-in, the repositories are real."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.standins import kubectl

from immutant.remote.apps import App
from immutant.remote.beginning import commands, note
from immutant.remote.kubectl import Kubectl

KUBECTL = """
import os, sys
if not os.environ["CONTEXTS"]:
    sys.exit("error: current-context must exist in order to minify")
assert sys.argv[-4:-1] == ["view", "--minify", "-o"], sys.argv
print("shop" if "--context=far" in sys.argv else "", end="")
"""
"""The context far has the namespace shop, and the current one has none."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(kubectl(tmp_path, KUBECTL)), prepend=os.pathsep)
    monkeypatch.setenv("CONTEXTS", "near far")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    made = tmp_path / "demo"
    made.mkdir()
    return made


def demo(namespace: str) -> App:
    metadata = {"name": "demo", "namespace": namespace, "uid": "1", "resourceVersion": "1"}
    return App.read({"metadata": metadata})


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True)


@pytest.mark.parametrize(
    ("kubectl", "namespace", "url"),
    [
        (Kubectl(), "default", "immutant://demo"),
        (Kubectl("default"), "default", "immutant://demo"),
        (Kubectl("shop"), "shop", "immutant://shop/demo"),
        (Kubectl(context="far"), "shop", "immutant://far@demo"),
        (Kubectl("default", "far"), "default", "immutant://far@default/demo"),
    ],
)
def test_the_namespace_is_named_where_the_kubeconfig_means_another(
    folder: Path, kubectl: Kubectl, namespace: str, url: str
) -> None:
    added, pushed = commands(kubectl, demo(namespace), folder)
    assert added == f"git remote add demo {url}"
    assert pushed == "git push demo main"


def test_without_a_kubeconfig_the_namespace_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTEXTS", "")
    assert commands(Kubectl(), demo("default"), folder)[0].endswith("immutant://default/demo")


def test_a_kubeconfig_that_was_named_is_named_for_git_too(folder: Path) -> None:
    last = commands(Kubectl(kubeconfig="my config"), demo("default"), folder)[-1]
    assert last == "KUBECONFIG='my config' git push demo main"


def test_the_branch_is_the_one_that_is_checked_out(folder: Path) -> None:
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Begin")
    (folder / "lib").mkdir()
    added, pushed = commands(Kubectl(), demo("default"), folder / "lib")
    assert (added, pushed) == ("git remote add demo immutant://demo", "git push demo trunk")
    (folder / ".git" / "HEAD").write_text("0" * 40 + "\n")
    assert commands(Kubectl(), demo("default"), folder)[-1] == "git push demo HEAD:main"


def test_a_folder_with_an_app_and_no_repository_is_to_become_one(folder: Path) -> None:
    (folder / "app.py").touch()
    first = commands(Kubectl(), demo("default"), folder)[0]
    assert first == 'git init -b main && git add . && git commit -m "Begin"'


def test_in_a_repository_without_a_commit_there_is_to_be_one_first(folder: Path) -> None:
    (folder / "app.py").touch()
    git(folder, "init", "-q", "-b", "trunk")
    first, *_, last = commands(Kubectl(), demo("default"), folder)
    assert first == 'git add . && git commit -m "Begin"'
    assert last == "git push demo trunk"
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    assert len(commands(Kubectl(), demo("default"), folder)) == 2


def test_a_remote_of_that_name_is_set_to_the_app_and_one_that_is_the_app_stays(
    folder: Path,
) -> None:
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "Begin")
    git(folder, "remote", "add", "demo", "immutant://elsewhere/demo")
    first, _ = commands(Kubectl(), demo("default"), folder)
    assert first == "git remote set-url demo immutant://demo"
    git(folder, *first.split()[1:])
    assert len(commands(Kubectl(), demo("default"), folder)) == 1


def test_a_part_of_a_repository_is_told_that_the_whole_is_pushed(folder: Path) -> None:
    assert note(demo("default"), folder) == ""
    git(folder, "init", "-q", "-b", "trunk")
    (folder / "lib").mkdir()
    told = note(demo("default"), folder / "lib")
    assert f"a part of the repository {folder.resolve()}, and a push takes the whole" in told
    assert told.endswith("immutant deploy demo takes the folder alone")
    (folder.parent / "link").symlink_to(folder)
    assert note(demo("default"), folder.parent / "link") == ""
