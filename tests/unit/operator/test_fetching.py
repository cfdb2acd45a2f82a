"""What comes before an app whose pods fetch their source."""

from typing import Any

import pytest
from tests.unit.operator.apps import CLUSTER, SOURCE, app, body, built, containers, environment, pod

from immutant.contract import names
from immutant.contract.sourcing import Archive, GitCommit, Order
from immutant_operator.builders import Manifest, Payload, everything
from immutant_operator.keeping import Keeper

SHA = "ab" * 32
COMMIT = "cd" * 20
ARCHIVE = {"archive": {"configMaps": ["part-0", "part-1"], "sha256": SHA, "revision": "v1"}}
GIT = {"git": {"url": "https://example.org/shop.git", "revision": "main", "path": "web"}}
SSH = {"git": {"url": "git@example.org:shop.git", "secret": {"name": "deploy-key"}}}


def fetched(source: Any, pin: str | None = None, **spec: Any) -> list[Manifest]:
    spec = {"source": source, **spec}
    fresh = Keeper(app(**spec), body(**spec), CLUSTER).fresh(pin or SHA, None)
    return everything(app(**spec), Payload(1, fresh), CLUSTER)


def volume(objects: list[Manifest], name: str) -> Manifest:
    (found,) = [one for one in pod(objects)["volumes"] if one["name"] == name]
    return dict(found)


def mounts(container: Manifest) -> dict[str, str]:
    return {one["mountPath"]: one["name"] for one in container["volumeMounts"]}


def test_source_and_packages_come_first_and_end() -> None:
    started = pod(fetched(ARCHIVE))["initContainers"]
    assert [one["name"] for one in started] == ["source", "packages", "member", "runtime"]
    assert [one.get("restartPolicy") for one in started] == [None, None, "Always", "Always"]


@pytest.mark.parametrize("source", [None, {"configMap": {"name": "demo-source"}}])
def test_other_apps_are_made_as_before(source: Any) -> None:
    objects = built(SOURCE) if source else built()
    assert [one["name"] for one in pod(objects)["initContainers"]] == ["member", "runtime"]
    assert "PYTHONPATH" not in environment(containers(objects)["app"])
    assert pod(objects) == pod(built(SOURCE) if source else built())
    template = next(one for one in objects if one["kind"] == "StatefulSet")["spec"]["template"]
    assert "annotations" not in template["metadata"]


def test_the_pod_is_told_what_to_fetch() -> None:
    told = environment(containers(fetched(ARCHIVE))["source"])
    assert Order.read(told) == Order(Archive(("part-0", "part-1"), SHA), "app:app")
    told = environment(containers(fetched(GIT, COMMIT, entrypoint="a:b"))["source"])
    commit = GitCommit("https://example.org/shop.git", COMMIT, "main", "web")
    assert Order.read(told) == Order(commit, "a:b")


def test_parts_are_mounted_in_their_order_and_one_that_is_missing_keeps_no_pod_waiting() -> None:
    sources = volume(fetched(ARCHIVE), "parts")["projected"]["sources"]
    found = [(one["configMap"]["name"], one["configMap"]["items"]) for one in sources]
    assert found == [
        ("part-0", [{"key": "part", "path": "00"}]),
        ("part-1", [{"key": "part", "path": "01"}]),
    ]
    assert all(one["configMap"]["optional"] for one in sources)
    held = [name for name, one in containers(fetched(ARCHIVE)).items() if "parts" in str(one)]
    assert held == ["source"]


def test_the_secret_is_in_the_container_that_fetches_and_in_no_other() -> None:
    objects = fetched(SSH, COMMIT)
    held = [
        name for name, one in containers(objects).items() if "source-secret" in mounts(one).values()
    ]
    assert held == ["source"]
    assert volume(objects, "source-secret")["secret"]["secretName"] == "deploy-key"
    assert not any(one["name"] == "source-secret" for one in pod(fetched(GIT, COMMIT))["volumes"])


def test_no_token_of_the_account_is_in_either_and_both_are_restricted() -> None:
    found = containers(fetched(SSH, COMMIT))
    for name in names.SOURCE_STEPS:
        assert not any("serviceaccount" in place for place in mounts(found[name]))
        assert found[name]["securityContext"]["readOnlyRootFilesystem"]
        assert found[name]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_app_reads_source_and_packages_and_writes_neither() -> None:
    container = containers(fetched(ARCHIVE))["app"]
    found = {one["mountPath"]: one for one in container["volumeMounts"]}
    for place, folder in ((names.SOURCE_FOLDER, "app"), (names.PACKAGES_FOLDER, "packages")):
        assert (found[place]["subPath"], found[place]["readOnly"]) == (folder, True)
    assert container["workingDir"] == names.SOURCE_FOLDER
    assert environment(container)["PYTHONPATH"] == "/packages/site:/app/src"


def test_a_path_of_the_users_own_comes_first_and_no_variable_is_there_twice() -> None:
    env = [{"name": "PYTHONPATH", "value": "/mine"}]
    container = containers(fetched(ARCHIVE, env=env))["app"]
    assert environment(container)["PYTHONPATH"] == "/mine:/packages/site:/app/src"
    variables = [one["name"] for one in container["env"]]
    assert len(variables) == len(set(variables))


def test_settings_of_pip_and_proxies_reach_the_installation_and_nothing_else_does() -> None:
    env = [
        {"name": "PIP_INDEX_URL", "valueFrom": {"secretKeyRef": {"name": "index", "key": "url"}}},
        {"name": "https_proxy", "value": "http://proxy:3128"},
        {"name": "DATABASE", "value": "secret"},
    ]
    found = containers(fetched(GIT, COMMIT, env=env))
    for name in names.SOURCE_STEPS:
        passed = {one["name"] for one in found[name]["env"]}
        assert {"PIP_INDEX_URL", "https_proxy"} <= passed
        assert "DATABASE" not in passed


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((ARCHIVE, SHA), (ARCHIVE, SHA), True),
        ((GIT, COMMIT), (GIT, "ee" * 20), False),
        ((GIT, COMMIT), ({"git": {**GIT["git"], "period": "20s"}}, COMMIT), True),
        (
            (ARCHIVE, SHA),
            ({"archive": {**ARCHIVE["archive"], "revision": "v2"}}, SHA),
            True,
        ),
        (
            (ARCHIVE, SHA),
            ({"archive": {**ARCHIVE["archive"], "sha256": "ee" * 32}}, "ee" * 32),
            False,
        ),
    ],
)
def test_another_source_makes_other_pods_and_another_name_of_the_same_does_not(
    one: tuple[Any, str], other: tuple[Any, str], same: bool
) -> None:
    assert (pod(fetched(*one)) == pod(fetched(*other))) is same
