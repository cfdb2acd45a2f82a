"""The chart, as helm sees it."""

import json
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
    return [one for one in yaml.load_all(ended.stdout, _Strict) if one]


class _Strict(yaml.SafeLoader):
    """For which a key that is there twice is an error, as for helm and the API server."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is there twice: {keys}"
        return super().construct_mapping(node, deep)


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


MONITORS = ("--api-versions", "monitoring.coreos.com/v1")


def settings(objects: list[dict[str, Any]]) -> dict[str, str]:
    (operator,) = of_kind(objects, "Deployment")
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def annotations(objects: list[dict[str, Any]]) -> dict[str, str]:
    (operator,) = of_kind(objects, "Deployment")
    return operator["spec"]["template"]["metadata"].get("annotations") or {}


def test_the_operator_is_found_by_a_monitor_where_there_are_some_else_by_annotations() -> None:
    plain, monitored = rendered(), rendered(*MONITORS, "--set", "monitoring.labels.release=p")
    assert settings(plain)["IMMUTANT_MONITORING"] == "auto"
    assert annotations(plain)["prometheus.io/port"] == "8081"
    assert of_kind(plain, "ServiceMonitor") == []
    assert settings(monitored)["IMMUTANT_MONITOR_LABELS"] == '{"release":"p"}'
    assert annotations(monitored) == {}
    (monitor,) = of_kind(monitored, "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "p"
    (service,) = of_kind(monitored, "Service")
    (operator,) = of_kind(monitored, "Deployment")
    labels = operator["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    wanted = monitor["spec"]["selector"]["matchLabels"]
    assert wanted.items() <= service["metadata"]["labels"].items()
    assert [port["name"] for port in service["spec"]["ports"]] == ["ops"]


def test_monitoring_can_be_told_either_way() -> None:
    off = rendered(*MONITORS, "--set", "monitoring.enabled=false")
    assert settings(off)["IMMUTANT_MONITORING"] == "none"
    assert (of_kind(off, "ServiceMonitor"), annotations(off)) == ([], {})
    on = rendered("--set", "monitoring.enabled=true")
    assert settings(on)["IMMUTANT_MONITORING"] == "monitors"
    assert len(of_kind(on, "ServiceMonitor")) == 1


def test_dashboards_and_alerts_come_when_asked_for() -> None:
    assert of_kind(rendered(), "ConfigMap") == of_kind(rendered(), "PrometheusRule") == []
    asked = ("--set", "dashboards.enabled=true", "--set", "alerts.enabled=true")
    objects = rendered(*asked, "--set", "alerts.runbooks=https://docs.example.org/")
    found = of_kind(objects, "ConfigMap")
    drawn = {name: text for one in found for name, text in one["data"].items()}
    folder = CHART / "dashboards"
    wanted = {path.name: json.loads(path.read_text()) for path in folder.iterdir()}
    assert {name: json.loads(text) for name, text in drawn.items()} == wanted
    assert {one["metadata"]["labels"]["grafana_dashboard"] for one in found} == {"1"}
    (made,) = of_kind(objects, "PrometheusRule")
    text = (CHART / "alerts" / "immutant.yaml").read_text()
    text = text.replace("docs/runbooks/", "https://docs.example.org/")
    assert made["spec"] == yaml.safe_load(text)
