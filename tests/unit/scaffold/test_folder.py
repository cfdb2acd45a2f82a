"""What `immutant new` writes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.documents import ROOT

from immutant.contract import names
from immutant.errors import ConfigurationError
from immutant.remote.naming import check_name
from immutant.scaffold.folder import FILES, make
from immutant_operator.spec import parse

ACCEPTED = ("a", "shop", "shop-2", "web", "a" * names.LONGEST_APP_NAME)
REFUSED = ("", "Shop", "2nd", "my_app", "my.app", "shop-", "../shop", "shop/till", "shop-web")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "till"
    make("till", folder)
    return folder


def known(schema: dict[str, Any], value: dict[str, Any]) -> None:
    """Whether the definition knows every field, all the way down."""
    for key, inner in value.items():
        assert key in schema["properties"], key
        if isinstance(inner, dict):
            known(schema["properties"][key], inner)


def test_all_files_are_there_and_name_the_app(made: Path) -> None:
    assert sorted(path.name for path in made.iterdir()) == sorted(FILES)
    texts = {path.name: path.read_text() for path in made.iterdir()}
    assert all(text.endswith("\n") and "$" not in text for text in texts.values())
    for file in ("app.py", "test_app.py", "app.yaml", "README.md"):
        assert "till" in texts[file]


def test_every_template_is_written() -> None:
    folder = ROOT / "runtime/src/immutant/scaffold/files"
    templates = sorted(path.name for path in folder.iterdir())
    assert templates == sorted(f"{file.lstrip('.')}.tmpl" for file in FILES)


def test_the_manifest_is_what_the_operator_takes(made: Path) -> None:
    body = yaml.safe_load((made / "app.yaml").read_text())
    assert (body["apiVersion"], body["kind"]) == (f"{names.GROUP}/{names.VERSION}", names.KIND)
    definition = yaml.safe_load((ROOT / "crds/immutantapps.yaml").read_text())
    known(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], {"spec": body["spec"]})
    body["metadata"] |= {"namespace": "default", "uid": "1"}
    app = parse(body)
    assert (app.name, app.spec.replicas, app.spec.entrypoint) == ("till", 2, "app:app")


def test_the_readme_has_five_commands_from_nothing_to_a_running_app(made: Path) -> None:
    part = (made / "README.md").read_text().split("from nothing to a running app:\n\n")[1]
    commands = [line.strip() for line in part.split("\n\n")[0].splitlines()]
    assert len(commands) == 5
    assert commands[-1] == "git push till main"


def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "till"
    folder.mkdir()
    (folder / "app.py").write_text("mine")
    with pytest.raises(ConfigurationError, match="is there already, and is left as it is"):
        make("till", folder)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("app.py", "mine")]


def test_a_folder_that_cannot_be_made_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make the app in a folder that can be"):
        make("till", tmp_path / "missing" / "till")


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_name_that_the_cluster_takes_is_taken(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", [*REFUSED, "a" * (names.LONGEST_APP_NAME + 1)])
def test_a_name_that_the_cluster_refuses_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be an app's name"):
        check_name(name)
