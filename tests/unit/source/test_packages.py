"""What a source requires is installed by the real pip, from a folder of wheels."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from tests.unit.source.packing import wheel

from immutant.errors import ConfigurationError
from immutant.source.own import pins
from immutant.source.packages import SITE, install


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source with wheels: `shop`, which needs `till`."""
    folder = tmp_path / "app"
    wheel(folder / "wheels", "shop", "1.0", "till>=2")
    wheel(folder / "wheels", "till", "2.1")
    return folder


def seen(tmp_path: Path, module: str) -> str:
    """The version that an application sees, with the path that the operator sets."""
    asked = subprocess.run(
        [sys.executable, "-c", f"import {module}; print({module}.VERSION)"],
        env={"PYTHONPATH": str(tmp_path / "packages" / SITE)},
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.strip()


def test_requirements_and_what_they_require_come_from_the_folder_of_wheels(
    source: Path, tmp_path: Path
) -> None:
    (source / "requirements.txt").write_text("shop==1.0\n")
    assert install(source, tmp_path / "packages", {})
    assert (seen(tmp_path, "shop"), seen(tmp_path, "till")) == ("1.0", "2.1")


def test_the_dependencies_of_pyproject_are_installed_and_not_the_project(
    source: Path, tmp_path: Path
) -> None:
    (source / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["till"]\n')
    assert install(source, tmp_path / "packages", {})
    assert seen(tmp_path, "till") == "2.1"
    assert not list((tmp_path / "packages" / SITE).glob("x-*"))


def test_they_are_installed_once_for_a_pod_and_half_an_install_counts_for_nothing(
    source: Path, tmp_path: Path
) -> None:
    (source / "requirements.txt").write_text("till\n")
    half = tmp_path / "packages.new" / "half"
    half.mkdir(parents=True)
    assert install(source, tmp_path / "packages", {})
    assert not list((tmp_path / "packages").glob("half"))
    (source / "requirements.txt").write_text("nonsense\n")
    assert not install(source, tmp_path / "packages", {})


def test_a_source_without_requirements_asks_nobody(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert not install(tmp_path / "app", tmp_path / "packages", {"PIP_INDEX_URL": "nonsense"})
    assert (tmp_path / "packages" / SITE).is_dir()


def test_what_the_image_has_is_not_installed_again(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("immutant\nstarlette\ntill\n")
    assert install(source, tmp_path / "packages", {})
    found = {one.name.partition("-")[0] for one in (tmp_path / "packages" / SITE).glob("*-*")}
    assert found == {"till"}


def test_a_version_that_immutant_cannot_work_with_is_refused(source: Path, tmp_path: Path) -> None:
    wheel(source / "wheels", "starlette", "0.1")
    (source / "requirements.txt").write_text("till\nstarlette==0.1\n")
    needed = (
        rf"starlette==0\.1, but Immutant itself needs starlette=={metadata.version('starlette')}"
    )
    with pytest.raises(ConfigurationError, match=needed):
        install(source, tmp_path / "packages", {})
    assert not (tmp_path / "packages").exists()


def test_a_package_that_requires_such_a_version_is_refused_too(
    source: Path, tmp_path: Path
) -> None:
    wheel(source / "wheels", "old", "1.0", "starlette<0.2")
    (source / "requirements.txt").write_text("old\n")
    with pytest.raises(ConfigurationError, match=r"old 1\.0 depends on starlette<0\.2, but"):
        install(source, tmp_path / "packages", {})


def test_what_only_sidecar_and_command_line_use_may_be_of_another_version(
    source: Path, tmp_path: Path
) -> None:
    wheel(source / "wheels", "fastapi", "0.1")
    (source / "requirements.txt").write_text("fastapi==0.1\n")
    assert install(source, tmp_path / "packages", {})
    assert seen(tmp_path, "fastapi") == "0.1"


def test_a_wheel_that_is_missing_is_named_with_the_remedy(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("nothere>=3\n")
    with pytest.raises(ConfigurationError, match=r"put what is missing into `wheels`.*nothere>=3"):
        install(source, tmp_path / "packages", {})


def test_an_index_that_is_named_is_asked_beside_the_wheels(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("nothere>=3\n")
    environ = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    with pytest.raises(ConfigurationError, match="name the index that has it"):
        install(source, tmp_path / "packages", environ)
    with pytest.raises(ConfigurationError, match="the index was not reached: name one that is"):
        install(source, tmp_path / "packages", environ | {"PIP_RETRIES": "1"})


def test_settings_of_pip_do_not_move_the_packages_elsewhere(source: Path, tmp_path: Path) -> None:
    (source / "requirements.txt").write_text("till\n")
    assert install(source, tmp_path / "packages", {"PIP_TARGET": str(tmp_path / "elsewhere")})
    assert seen(tmp_path, "till") == "2.1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[project]\ndynamic = ["dependencies"]\n', "write them into requirements.txt"),
        ("[project\n", "pyproject.toml cannot be read"),
        ('[project]\ndependencies = "till"\n', "must be a list of texts"),
        ('[project]\ndependencies = ["--index-url=x"]\n', "which is no package"),
    ],
)
def test_a_pyproject_that_does_not_tell_is_refused(
    source: Path, tmp_path: Path, text: str, sentence: str
) -> None:
    (source / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=sentence):
        install(source, tmp_path / "packages", {})


def test_immutant_itself_is_pinned_and_what_the_application_does_not_load_is_not() -> None:
    names = {pin.partition("==")[0] for pin in pins()}
    assert {"immutant", "starlette", "uvicorn", "hazelcast-python-client"} <= names
    assert not names & {"fastapi", "kubernetes", "pip", "typer", "pyyaml", "dulwich", "pytest"}
