from pathlib import Path

import pytest

from immutant.errors import ConfigurationError
from immutant.remote.creation import Wishes, manifest, written_in

APP = """
apiVersion: immutant.org/v1alpha1
kind: ImmutantApp
metadata:
  name: demo
  labels: {team: shop}
spec:
  replicas: 3
  web: {tls: {secretName: cert}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.yaml"
    path.write_text(APP)
    return path


def test_without_wishes_an_app_has_two_pods_and_else_the_definitions_defaults() -> None:
    body = manifest("demo", Wishes())
    assert (body["kind"], body["metadata"]) == ("ImmutantApp", {"name": "demo"})
    assert body["spec"] == {"replicas": 2}


def test_a_file_that_names_no_number_of_pods_is_taken_as_kubectl_takes_it(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text("kind: ImmutantApp")
    assert manifest("demo", Wishes(file=tmp_path / "app.yaml"))["spec"] == {}


def test_the_file_of_a_folder_counts_where_it_is_of_the_app(file: Path, tmp_path: Path) -> None:
    assert written_in(tmp_path, "demo") == file
    assert written_in(tmp_path, "shop") is None
    assert written_in(tmp_path / "elsewhere", "demo") is None
    for text in ("kind: Pod\nmetadata: {name: demo}", "", "- kind", "kind: A\n---\nkind: B"):
        file.write_text(text)
        assert written_in(tmp_path, "demo") is None


@pytest.mark.parametrize("text", [APP + "\tport: 1", "a: [", "on: 2027-13-45"])
def test_the_file_of_a_folder_that_cannot_be_read_is_not_passed_over(
    file: Path, tmp_path: Path, text: str
) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"app\.yaml cannot be read as YAML; mend it"):
        written_in(tmp_path, "demo")


def test_the_file_of_a_folder_that_holds_more_than_the_app_is_refused(
    file: Path, tmp_path: Path
) -> None:
    file.write_text(f"{APP}---\nkind: ConfigMap\nmetadata: {{name: demo}}\n")
    assert written_in(tmp_path, "shop") is None
    found = written_in(tmp_path, "demo")
    with pytest.raises(ConfigurationError, match="is not one ImmutantApp; write one, or use"):
        manifest("demo", Wishes(file=found))


@pytest.mark.parametrize(
    "line", ["metadata: demo", "metadata: [demo]", "spec: 3", "spec: {web: demo.example.org}"]
)
def test_a_field_without_fields_is_refused_with_its_name(file: Path, line: str) -> None:
    file.write_text(f"kind: ImmutantApp\n{line}\n")
    if "metadata" in line:
        with pytest.raises(ConfigurationError, match="metadata is"):
            written_in(file.parent, "demo")
    field = "web" if "web" in line else line.partition(":")[0]
    with pytest.raises(ConfigurationError, match=rf"app\.yaml: {field} is .*fields of its own"):
        manifest("demo", Wishes(hosts=["demo.example.org"], file=file))


def test_what_is_typed_goes_before_what_stands_in_the_file(file: Path) -> None:
    wishes = Wishes(image="shop:7", replicas=2, hosts=["a.example.org", "b.org"], file=file)
    body = manifest("demo", wishes)
    assert body["metadata"] == {"name": "demo", "labels": {"team": "shop"}}
    assert body["spec"] == {
        "replicas": 2,
        "image": "shop:7",
        "web": {"tls": {"secretName": "cert"}, "host": "a.example.org", "hosts": ["b.org"]},
    }


def test_a_file_of_another_app_or_of_none_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is of the app demo, and not of other"):
        manifest("other", Wishes(file=file))
    for text, sentence in (("kind: Pod", "is not one ImmutantApp"), ("a: [", "as YAML")):
        (tmp_path / "wrong.yaml").write_text(text)
        with pytest.raises(ConfigurationError, match=sentence):
            manifest("demo", Wishes(file=tmp_path / "wrong.yaml"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        manifest("demo", Wishes(file=tmp_path / "nowhere.yaml"))
