"""The chart, as helm sees it."""

import subprocess
from typing import Any

import pytest
import yaml
from tests.e2e.testbed import programs
from tests.integration.operator.processes import CHART
from tests.machine import HELM, need

from immutant_operator.crd.manifest import definition


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [programs.program("helm"), *arguments], text=True, capture_output=True, check=False
    )


def rendered(*options: str, tests: bool = False) -> list[dict[str, Any]]:
    """What is installed; or what `helm test` makes, too."""
    which = () if tests else ("--skip-tests",)
    ended = helm("template", "x", str(CHART), "--kube-version", "1.35", *which, *options)
    assert ended.returncode == 0, ended.stderr
    return [one for one in yaml.safe_load_all(ended.stdout) if one]


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    need(*HELM)
    programs.build("helm")


def test_helm_finds_no_fault() -> None:
    ended = helm("lint", "--strict", "--kube-version", "1.35", str(CHART))
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("replica=3", "additional properties 'replica' not allowed"),
        ("images.pullPolicy=Sometimes", "images/pullPolicy"),
        ("replicas=0", "minimum"),
    ],
)
def test_a_mistyped_value_is_refused(value: str, sentence: str) -> None:
    ended = helm("template", "x", str(CHART), "--kube-version", "1.35", "--set", value)
    assert ended.returncode != 0
    assert sentence in ended.stderr


def test_the_definition_is_there_and_stays_unless_told_otherwise() -> None:
    (kept,) = of_kind(rendered(), "CustomResourceDefinition")
    assert kept["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert kept == definition()
    (unkept,) = of_kind(rendered("--set", "crds.keep=false"), "CustomResourceDefinition")
    assert unkept == definition()
    assert of_kind(rendered("--set", "crds.enabled=false"), "CustomResourceDefinition") == []


def test_an_installation_for_one_namespace_has_no_rights_beyond_it() -> None:
    objects = rendered("--set", "watchNamespace=team", "--namespace", "system")
    assert of_kind(objects, "ClusterRole") == of_kind(objects, "ClusterRoleBinding") == []
    places = {
        (one["metadata"]["name"], one["metadata"]["namespace"]) for one in of_kind(objects, "Role")
    }
    assert places == {("immutant-operator", "team"), ("immutant-operator-leader", "system")}


def test_the_operator_reads_secrets_only_where_it_may_and_never_lists_them() -> None:
    def verbs(*options: str) -> list[str]:
        (role,) = of_kind(rendered(*options), "ClusterRole")
        found = [rule["verbs"] for rule in role["rules"] if "secrets" in rule["resources"]]
        return [verb for verbs in found for verb in verbs]

    assert verbs() == []
    assert verbs("--set", "rbac.readSecrets=true") == ["get"]


def test_nodes_are_listed_only_where_that_is_allowed_and_by_no_other_verb() -> None:
    def verbs(*options: str) -> list[list[str]]:
        objects = rendered(*options)
        roles = [*of_kind(objects, "ClusterRole"), *of_kind(objects, "Role")]
        rules = [rule for role in roles for rule in role["rules"]]
        return [rule["verbs"] for rule in rules if "nodes" in rule["resources"]]

    assert verbs() == [["list"]]
    assert verbs("--set", "rbac.readNodes=false") == []
    assert verbs("--set", "watchNamespace=team") == []


def test_before_admission_policies_existed_the_chart_says_what_that_means() -> None:
    old = ("template", "x", str(CHART), "--kube-version", "1.29")
    ended = helm(*old)
    assert "set admissionPolicy.enabled=false" in ended.stderr
    assert helm(*old, "--set", "admissionPolicy.enabled=false").returncode == 0
