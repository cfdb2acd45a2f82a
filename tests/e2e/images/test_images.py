"""The images: what is in them, what is not, and when they are built anew."""

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.images import NAMES, build_all, context, sources
from tests.e2e.images.engines import engine
from tests.e2e.testbed import TestbedError

from immutant.remote.compiling import IMAGE_PYTHON

OURS = ("etc/", "opt/", "root/", "var/")
LEFTOVERS = (
    *("var/lib/apt/lists/", "var/cache/apt/archives/partial/", "root/.cache", "root/.m2"),
    *("etc/pip.conf", "etc/apt/apt.conf.d/99machine", "etc/apt/.wh."),
)


@pytest.fixture(scope="module")
def archives() -> dict[str, Path]:
    if os.geteuid() != 0:
        pytest.skip("images are built as root")
    return build_all()


def config(archive: Path) -> dict[str, object]:
    with tarfile.open(archive) as tar:
        manifest = json.loads(_read(tar, "manifest.json"))[0]
        return dict(json.loads(_read(tar, manifest["Config"])))


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of every layer that is not of the system's packages."""
    with tarfile.open(archive) as tar:
        for name in json.loads(_read(tar, "manifest.json"))[0]["Layers"]:
            layer = tar.extractfile(name)
            assert layer
            with tarfile.open(fileobj=layer) as inner:
                for member in inner:
                    if member.isfile() and member.name.startswith(
                        ("etc/", "opt/", "root/", "var/")
                    ):
                        content = inner.extractfile(member)
                        assert content
                        yield member.name, content.read()


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(name)
    assert content
    return content.read()


@pytest.mark.parametrize("name", NAMES)
def test_an_image_runs_as_an_unprivileged_user_and_says_what_it_is(
    name: str, archives: dict[str, Path]
) -> None:
    told = config(archives[name])["config"]
    assert isinstance(told, dict)
    assert told["User"] == "10001:10001"
    assert told["Labels"]["org.opencontainers.image.title"] == f"Immutant {name}"
    assert told["Labels"]["org.opencontainers.image.version"]
    assert not [entry for entry in told["Env"] if entry.startswith(("PIP_", "http", "HTTP"))]


def test_the_runtimes_python_is_the_one_that_pushed_files_are_compiled_for(
    archives: dict[str, Path],
) -> None:
    major, minor = IMAGE_PYTHON
    folder = f"opt/immutant/lib/python{major}.{minor}/"
    assert any(path.startswith(folder) for path, _ in files(archives["runtime"]))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_machine_that_built_it_stays_in_an_image(
    name: str, archives: dict[str, Path]
) -> None:
    paths = set()
    for path, content in files(archives[name]):
        paths.add(path)
        if path == "etc/apt/sources.list":
            assert content.decode() == sources.apt_sources()
    assert "etc/apt/sources.list" in paths
    left = [
        path
        for path in paths
        if path.startswith(
            ("var/lib/apt/lists/", "var/cache/apt/archives/partial/", "root/.cache", "root/.m2")
        )
        or path in ("etc/pip.conf", "etc/apt/apt.conf.d/99machine")
    ]
    assert not left
    history = json.dumps(config(archives[name])["history"])
    assert str(context.CHECKOUT) not in history


def test_what_was_built_is_not_built_again(
    archives: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # neither buildah nor docker could be called
    assert build_all() == archives


def test_the_key_follows_contents_and_not_times_or_compiled_modules(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    context.stage("operator", first)
    shutil.copytree(first, second)
    (second / "operator/pyproject.toml").touch()
    assert context.key("operator", first) == context.key("operator", second)
    assert not list(first.rglob("__pycache__"))
    (second / "operator/pyproject.toml").write_text("[project]\n")
    assert context.key("operator", first) != context.key("operator", second)
    assert context.key("operator", first) != context.key("operator", first, "another base")


def test_a_context_holds_what_its_dockerfile_copies_and_nothing_else(tmp_path: Path) -> None:
    context.stage("member", tmp_path)
    assert {path.name for path in (tmp_path / "images" / "member").iterdir()} == {
        "pom.xml",
        "src",
        "start",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_a_machine_that_cannot_build_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TestbedError, match="install one of them"):
        engine(tmp_path)
