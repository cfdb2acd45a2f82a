"""What is taken of a commit, from real repositories."""

import os
import subprocess
from pathlib import Path

import pytest

from immutant.errors import ConfigurationError, ValueRefusedError
from immutant.remote import gittree
from immutant.remote.packing import File, Link

COMMITTER = {
    **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "1800000000 +0200" for who in ("AUTHOR", "COMMITTER")},
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], env={**os.environ, **COMMITTER}, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    return tmp_path


def commit(message: str = "Greet\n\nAt length.") -> str:
    git("add", "-A")
    git("commit", "-q", "-m", message)
    return git("rev-parse", "HEAD")


def test_the_files_are_those_of_the_commit_and_not_of_the_folder(repository: Path) -> None:
    (repository / "app.py").write_bytes(b"one\r\n")
    (repository / "run.sh").write_text("")
    (repository / "run.sh").chmod(0o755)
    (repository / "d e").mkdir()
    (repository / "d e" / "ü.txt").write_text("")
    (repository / "link").symlink_to("d e")
    (repository / ".gitattributes").write_text("*.sh export-ignore\n* text=auto eol=crlf\n")
    digest = commit()
    (repository / "app.py").write_text("changed")
    entries = {one.path: one for one in gittree.tree(digest) if one.path != ".gitattributes"}
    assert entries == {
        "app.py": File("app.py", b"one\n"),
        "run.sh": File("run.sh", b"", executable=True),
        "d e/ü.txt": File("d e/ü.txt", b""),
        "link": Link("link", "d e"),
    }


def test_a_commit_has_its_first_line_author_and_time(repository: Path) -> None:
    (repository / "app.py").touch()
    digest = commit()
    found = gittree.commit("HEAD")
    assert found == gittree.Commit(digest, "Greet", "Ada <ada@example.org>", 1_800_000_000)
    with pytest.raises(ConfigurationError, match="git show failed"):
        gittree.commit("nowhere")


def test_what_immutantignore_names_stays_behind_submodules_too(repository: Path) -> None:
    (repository / "app.py").touch()
    (repository / "sub").mkdir()
    (repository / "sub" / ".immutantignore").write_text("big.bin\n")
    (repository / "sub" / "big.bin").write_bytes(b"0" * 100)
    digest = commit()
    assert [one.path for one in gittree.tree(digest)] == ["app.py", "sub/.immutantignore"]
    git("update-index", "--add", "--cacheinfo", f"160000,{digest},vendored")
    git("commit", "-q", "-m", "Vendor")
    with pytest.raises(ValueRefusedError, match="vendored is a submodule"):
        gittree.tree("HEAD")
    (repository / ".immutantignore").write_text("vendored\n")
    git("add", ".immutantignore")
    git("commit", "-q", "-m", "Leave it")
    assert "vendored" not in [one.path for one in gittree.tree("HEAD")]


def test_successors_are_told_from_others(repository: Path) -> None:
    (repository / "app.py").touch()
    first = commit()
    (repository / "app.py").write_text("2")
    second = commit()
    assert gittree.follows(second, first)
    assert gittree.follows(first, first)
    assert not gittree.follows(first, second)
    assert gittree.has(first)
    assert not gittree.has("f" * 40)
