from pathlib import Path

import pytest

from immutant.errors import ConfigurationError
from immutant.remote.creation import Wishes, manifest

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


def test_without_wishes_an_app_has_the_definitions_defaults() -> None:
    body = manifest("demo", Wishes())
    assert (body["kind"], body["metadata"], body["spec"]) == ("ImmutantApp", {"name": "demo"}, {})


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
