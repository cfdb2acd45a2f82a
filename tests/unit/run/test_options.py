from pathlib import Path

import pytest

from immutant.errors import ConfigurationError
from immutant.run.options import Options
from immutant.targets import Target


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "app.py").touch()
    return folder / "app.py"


@pytest.mark.parametrize(
    ("text", "entrypoint"),
    [("app.py", "app.py:app"), ("app.py:shop", "app.py:shop"), ("shop.web:api", "shop.web:api")],
)
def test_a_target_is_a_file_or_a_module(app: Path, text: str, entrypoint: str) -> None:
    assert Target.parse(text).entrypoint == entrypoint


@pytest.mark.parametrize("text", ["", ":app", "app.py:", "app.py:1", "app.py:a b"])
def test_what_is_no_target_is_refused_with_the_forms_that_are(app: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"path/app\.py:app or module:app"):
        Target.parse(text)


def test_a_missing_file_is_named(app: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no file web\.py in .*My Shop"):
        Target.parse("web.py:app")


def test_replicas_are_named_after_the_folder_of_the_application(app: Path) -> None:
    assert Options(Target.parse("app.py")).name == "my-shop"
    assert Options(Target.parse("shop.web:api")).name == "shop"


@pytest.mark.parametrize("name", ["Demo", "a_b", "-a", "a-", "x" * 41, "a b"])
def test_a_name_that_no_cluster_would_take_is_refused(app: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="--name demo"):
        Options(Target.parse("app.py"), name=name)
