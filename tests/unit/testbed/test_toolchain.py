"""Which Go builds, with a Go of each age that only answers questions."""

import json
import os
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from tests.e2e.testbed import toolchain
from tests.e2e.testbed.errors import TestbedError

PREFIX = "golang.org/toolchain@v0.0.1-go1.26.0.plan9-mips/"
FILES = {"bin/go": "#!/bin/sh\necho newer $GOTOOLCHAIN $GOROOT\n", "src/_go.mod": "module std\n"}


class OnThePath:
    """The Go that is found on the PATH."""

    def __init__(self, folder: Path) -> None:
        self._go = folder / "go"
        self._zip = folder / "toolchain.zip"
        with zipfile.ZipFile(self._zip, "w") as archive:
            for name, text in FILES.items():
                archive.writestr(PREFIX + name, text)

    def is_version(self, version: str) -> None:
        downloaded = json.dumps({"Zip": str(self._zip)})
        self.answers(
            f"'env GOVERSION') echo {version};;"
            "'env GOHOSTOS GOHOSTARCH') echo plan9; echo mips;;"
            f"'mod download -json {PREFIX[:-1]}') echo '{downloaded}';;"
        )

    def answers(self, cases: str) -> None:
        self._go.write_text(f'#!/bin/sh\ncase "$*" in {cases} *) echo "no: $*"; exit 1;; esac\n')
        self._go.chmod(0o755)


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnThePath:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return OnThePath(tmp_path)


def test_a_go_that_is_new_enough_builds_as_it_is(go: OnThePath) -> None:
    go.is_version("go1.26.8")
    assert toolchain.find() == toolchain.Go()


def test_one_that_fetches_a_newer_one_is_told_to(
    go: OnThePath, capsys: pytest.CaptureFixture[str]
) -> None:
    go.is_version("go1.24.4")
    assert toolchain.find() == toolchain.Go(settings={"GOTOOLCHAIN": "go1.26.0+auto"})
    assert "it will fetch the toolchain as a module" in capsys.readouterr().out


def test_an_older_one_fetches_it_once_as_a_module_like_any_other(
    go: OnThePath, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    go.is_version("go1.19.8")
    newer = toolchain.find()
    folder = tmp_path / "cache" / "immutant" / "go1.26.0.plan9-mips"
    assert newer.run([], tmp_path) == f"newer local {folder}\n"
    assert (folder / "src" / "go.mod").read_text() == "module std\n"
    go.answers("'env GOVERSION') echo go1.19.8;; env*) echo plan9; echo mips;;")
    assert toolchain.find() == newer
    assert capsys.readouterr().out.count("it will fetch the toolchain as a module") == 1
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]


def test_where_it_cannot_be_fetched_the_remedy_is_told_and_nothing_left(
    go: OnThePath, tmp_path: Path
) -> None:
    go.answers("'env GOVERSION') echo go1.19.8;; env*) echo plan9; echo mips;;")
    with pytest.raises(TestbedError, match=r"go1\.19\.8 .* put Go 1\.26 or newer .*\n.*no: mod"):
        toolchain.find()
    assert list((tmp_path / "cache" / "immutant").iterdir()) == []


def test_files_get_the_places_that_they_have_in_a_toolchain() -> None:
    assert toolchain.place(PREFIX + "bin/go") == PurePosixPath("bin/go")
    assert toolchain.place(PREFIX + "src/cmd/_go.mod") == PurePosixPath("src/cmd/go.mod")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("bin/go", True),
        ("pkg/tool/linux_amd64/compile", True),
        ("pkg/include/textflag.h", False),
        ("src/bin/go", False),
        ("LICENSE", False),
    ],
)
def test_the_commands_and_tools_are_programs(path: str, expected: bool) -> None:
    assert toolchain.is_program(PurePosixPath(path)) is expected
