"""What each value of the chart is for, as helm renders it; and what `helm test` consists of."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.integration.operator.processes import CHART
from tests.integration.operator.test_chart import built, helm, of_kind, rendered
from tools.docs import values

from immutant_operator.settings import Settings

__all__ = ["built"]

Body = dict[str, Any]
SELECTED = {"app.kubernetes.io/name": "immutant-operator", "app.kubernetes.io/instance": "x"}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def deployment(objects: list[Body]) -> Body:
    (found,) = of_kind(objects, "Deployment")
    return found


def pod(objects: list[Body]) -> Body:
    """What the operator's pods are made of."""
    spec: Body = deployment(objects)["spec"]["template"]["spec"]
    return spec


def container(objects: list[Body]) -> Body:
    (found,) = pod(objects)["containers"]
    assert isinstance(found, dict)
    return found


def environment(objects: list[Body]) -> dict[str, Any]:
    return {one["name"]: one.get("value", "from the pod") for one in container(objects)["env"]}


def settings(objects: list[Body]) -> Settings:
    """What the operator makes of it."""
    return Settings.read(environment(objects))


def metadata(objects: list[Body], kind: str, what: str) -> dict[str, str]:
    """The labels or annotations of the first object of a kind."""
    found: dict[str, str] = of_kind(objects, kind)[0]["metadata"].get(what) or {}
    return found


def labels(objects: list[Body]) -> list[Any]:
    pods = [deployment(objects)["spec"]["template"]]
    return [one["metadata"].get("labels", {}).get("team") for one in objects + pods]


def annotations(objects: list[Body]) -> list[Any]:
    pods = [deployment(objects)["spec"]["template"]]
    return [one["metadata"].get("annotations", {}).get("team") for one in objects + pods]


def image(objects: list[Body]) -> tuple[str, str]:
    return container(objects)["image"], settings(objects).cluster.images.member


def verbs(objects: list[Body], resource: str) -> list[str]:
    (role,) = of_kind(objects, "ClusterRole")
    return [verb for one in role["rules"] if resource in one["resources"] for verb in one["verbs"]]


class Case(NamedTuple):
    """A value, what it is set to, where that shows, and what is seen there by default and then."""

    value: str
    given: Any
    shows: Callable[[list[Body]], Any]
    before: Any
    after: Any
    beside: tuple[str, ...] = ()
    """What else is set, both times."""


TOLERATION = {"key": "control-plane", "operator": "Exists"}
AFFINITY = {"nodeAffinity": {"x": "y"}}
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
CASES = [
    Case(
        "images.registry",
        "registry.example.org/mine",
        image,
        ("localhost/immutant-operator:dev", "localhost/immutant-member:dev"),
        (
            "registry.example.org/mine/immutant-operator:dev",
            "registry.example.org/mine/immutant-member:dev",
        ),
    ),
    Case(
        "images.tag",
        "7",
        image,
        ("localhost/immutant-operator:dev", "localhost/immutant-member:dev"),
        ("localhost/immutant-operator:7", "localhost/immutant-member:7"),
    ),
    Case(
        "images.pullPolicy",
        "Always",
        lambda all_: (
            container(all_)["imagePullPolicy"],
            settings(all_).cluster.images.pull_policy,
        ),
        ("IfNotPresent", "IfNotPresent"),
        ("Always", "Always"),
    ),
    Case(
        "images.pullSecrets",
        [{"name": "mine"}],
        lambda all_: pod(all_).get("imagePullSecrets"),
        None,
        [{"name": "mine"}],
    ),
    Case("replicas", 3, lambda all_: deployment(all_)["spec"]["replicas"], 2, 3),
    Case("watchNamespace", "team", lambda all_: settings(all_).watched, None, "team"),
    Case(
        "clusterDomain",
        "example.org",
        lambda all_: settings(all_).cluster.domain,
        "cluster.local",
        "example.org",
    ),
    Case("logLevel", "DEBUG", lambda all_: settings(all_).log_level, "INFO", "DEBUG"),
    Case(
        "extraEnv",
        [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        lambda all_: environment(all_).get("HTTPS_PROXY"),
        None,
        "http://proxy:3128",
    ),
    Case("crds.enabled", False, lambda all_: len(of_kind(all_, "CustomResourceDefinition")), 1, 0),
    Case(
        "crds.keep",
        False,
        lambda all_: of_kind(all_, "CustomResourceDefinition")[0]["metadata"].get(
            "annotations", {}
        ),
        {"helm.sh/resource-policy": "keep"},
        {},
    ),
    Case("rbac.readSecrets", True, lambda all_: verbs(all_, "secrets"), [], ["get"]),
    Case("rbac.readNodes", False, lambda all_: verbs(all_, "nodes"), ["list"], []),
    Case(
        "admissionPolicy.enabled",
        False,
        lambda all_: len(of_kind(all_, "ValidatingAdmissionPolicy")),
        1,
        0,
    ),
    Case(
        "resources.requests.cpu",
        "1",
        lambda all_: container(all_)["resources"]["requests"]["cpu"],
        "50m",
        "1",
    ),
    Case(
        "resources.requests.memory",
        "1Gi",
        lambda all_: container(all_)["resources"]["requests"]["memory"],
        "128Mi",
        "1Gi",
    ),
    Case(
        "resources.limits.memory",
        "1Gi",
        lambda all_: container(all_)["resources"]["limits"]["memory"],
        "512Mi",
        "1Gi",
    ),
    *(
        Case(
            f"podSecurityContext.{field}",
            given,
            lambda all_, field=field: pod(all_)["securityContext"].get(field),  # type: ignore[misc]
            default,
            given,
        )
        for field, default, given in [
            ("runAsNonRoot", True, False),
            ("runAsUser", 10001, None),
            ("runAsGroup", 10001, 5),
            ("fsGroup", 10001, None),
        ]
    ),
    Case(
        "podSecurityContext.seccompProfile.type",
        "Unconfined",
        lambda all_: pod(all_)["securityContext"]["seccompProfile"],
        {"type": "RuntimeDefault"},
        {"type": "Unconfined"},
    ),
    Case(
        "securityContext.allowPrivilegeEscalation",
        None,
        lambda all_: container(all_)["securityContext"],
        RESTRICTED,
        {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
    ),
    Case(
        "securityContext.readOnlyRootFilesystem",
        False,
        lambda all_: container(all_)["securityContext"],
        RESTRICTED,
        {**RESTRICTED, "readOnlyRootFilesystem": False},
    ),
    Case(
        "securityContext.capabilities.drop",
        ["KILL"],
        lambda all_: container(all_)["securityContext"],
        RESTRICTED,
        {**RESTRICTED, "capabilities": {"drop": ["KILL"]}},
    ),
    Case(
        "serviceAccount.annotations",
        {"role": "operator"},
        lambda all_: of_kind(all_, "ServiceAccount")[0]["metadata"].get("annotations"),
        None,
        {"role": "operator"},
    ),
    Case(
        "podLabels",
        {"team": "blue"},
        lambda all_: [one for one in labels(all_) if one],
        [],
        ["blue"],
    ),
    Case(
        "podAnnotations",
        {"team": "blue"},
        lambda all_: [one for one in annotations(all_) if one],
        [],
        ["blue"],
    ),
    Case(
        "nodeSelector",
        {"disk": "ssd"},
        lambda all_: pod(all_).get("nodeSelector"),
        None,
        {"disk": "ssd"},
    ),
    Case(
        "tolerations",
        [TOLERATION],
        lambda all_: pod(all_).get("tolerations"),
        None,
        [TOLERATION],
    ),
    Case(
        "affinity",
        AFFINITY,
        lambda all_: list(pod(all_)["affinity"]),
        ["podAntiAffinity"],
        ["nodeAffinity"],
    ),
    Case(
        "topologySpreadConstraints",
        [SPREAD],
        lambda all_: pod(all_).get("topologySpreadConstraints"),
        None,
        [{**SPREAD, "labelSelector": {"matchLabels": SELECTED}}],
    ),
    Case(
        "priorityClassName",
        "system-cluster-critical",
        lambda all_: pod(all_).get("priorityClassName"),
        None,
        "system-cluster-critical",
    ),
    Case(
        "monitoring.enabled",
        True,
        lambda all_: (settings(all_).monitoring, len(of_kind(all_, "ServiceMonitor"))),
        (None, 0),
        ("monitors", 1),
    ),
    Case(
        "monitoring.labels",
        {"release": "p"},
        lambda all_: (
            settings(all_).cluster.monitor_labels,
            metadata(all_, "ServiceMonitor", "labels").get("release"),
        ),
        ({}, None),
        ({"release": "p"}, "p"),
        ("--set", "monitoring.enabled=true"),
    ),
    Case(
        "dashboards.enabled",
        True,
        lambda all_: len(of_kind(all_, "ConfigMap")),
        0,
        len(list((CHART / "dashboards").iterdir())),
    ),
    Case(
        "dashboards.labels.grafana_dashboard",
        "mine",
        lambda all_: metadata(all_, "ConfigMap", "labels").get("grafana_dashboard"),
        "1",
        "mine",
        ("--set", "dashboards.enabled=true"),
    ),
    Case(
        "dashboards.annotations",
        {"folder": "mine"},
        lambda all_: metadata(all_, "ConfigMap", "annotations"),
        {},
        {"folder": "mine"},
        ("--set", "dashboards.enabled=true"),
    ),
    Case("alerts.enabled", True, lambda all_: len(of_kind(all_, "PrometheusRule")), 0, 1),
    Case(
        "alerts.labels",
        {"release": "p"},
        lambda all_: metadata(all_, "PrometheusRule", "labels").get("release"),
        None,
        "p",
        ("--set", "alerts.enabled=true"),
    ),
    Case(
        "alerts.runbooks",
        "https://docs.example.org",
        lambda all_: {
            rule["annotations"]["runbook_url"].rpartition("/")[0]
            for made in of_kind(all_, "PrometheusRule")
            for group in made["spec"]["groups"]
            for rule in group["rules"]
        },
        {"docs/runbooks"},
        {"https://docs.example.org"},
        ("--set", "alerts.enabled=true"),
    ),
]
ALL_THERE_IS = [
    option
    for part in ("monitoring", "alerts", "dashboards")
    for option in ("--set", f"{part}.enabled=true")
]
EVERYWHERE = {"extraLabels": labels, "extraAnnotations": annotations}
"""Values that show in every object but the definition."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.value)
def test_a_value_shows_where_it_is_for(case: Case) -> None:
    assert case.shows(rendered(*case.beside)) == case.before
    given = ("--set-json", f"{case.value}={json.dumps(case.given)}")
    assert case.shows(rendered(*case.beside, *given)) == case.after


@pytest.mark.parametrize("value", EVERYWHERE)
@pytest.mark.parametrize("options", [(), ("--set", "watchNamespace=team")], ids=["all", "one"])
def test_extra_labels_and_annotations_are_on_everything(
    value: str, options: tuple[str, ...]
) -> None:
    given = ("--set", f"{value}.team=blue", "--set", "crds.enabled=false", *options, *ALL_THERE_IS)
    assert set(EVERYWHERE[value](rendered(*given, tests=True))) == {"blue"}


@pytest.mark.parametrize(
    ("everywhere", "here", "kind"),
    [
        ("extraLabels", "monitoring.labels", "ServiceMonitor"),
        ("extraLabels", "alerts.labels", "PrometheusRule"),
        ("extraLabels", "dashboards.labels", "ConfigMap"),
        ("extraAnnotations", "dashboards.annotations", "ConfigMap"),
        ("extraAnnotations", "serviceAccount.annotations", "ServiceAccount"),
    ],
)
def test_what_is_said_of_one_object_wins_over_what_is_said_of_all(
    everywhere: str, here: str, kind: str
) -> None:
    given = ("--set", f"{everywhere}.release=all", "--set", f"{here}.release=one")
    found = metadata(rendered(*given, *ALL_THERE_IS), kind, here.rpartition(".")[2])
    assert found["release"] == "one"


def test_extra_labels_leave_those_alone_by_which_pods_are_selected() -> None:
    name = "extraLabels.app\\.kubernetes\\.io/name=mine"
    made = deployment(rendered("--set", name))
    for found in (made["spec"]["selector"]["matchLabels"], made["spec"]["template"]["metadata"]):
        assert "mine" not in str(found)


def test_a_spread_with_a_selector_of_its_own_keeps_that() -> None:
    given = {**SPREAD, "labelSelector": {"matchLabels": {"tier": "operators"}}}
    option = f"topologySpreadConstraints={json.dumps([given])}"
    assert pod(rendered("--set-json", option))["topologySpreadConstraints"] == [given]


def test_a_variable_of_the_charts_own_is_refused_as_an_extra_one() -> None:
    given = 'extraEnv=[{"name": "IMMUTANT_WATCH_NAMESPACE", "value": "x"}]'
    ended = helm("template", "x", str(CHART), "--kube-version", "1.35", "--set-json", given)
    assert ended.returncode != 0
    assert "extraEnv may not set IMMUTANT_WATCH_NAMESPACE" in ended.stderr


def test_every_value_is_shown_to_do_what_it_is_for() -> None:
    text = (CHART / "values.yaml").read_text()
    tried = {case.value for case in CASES} | EVERYWHERE.keys()
    assert {one.path for one in values.values(text)} == tried


class TestHelmTest:
    """What `helm test` makes, and takes away again."""

    def made(self, *options: str) -> list[Body]:
        objects = rendered("--namespace", "system", *options, tests=True)
        return [one for one in objects if "helm.sh/hook" in one["metadata"].get("annotations", {})]

    def test_it_is_made_by_the_test_alone_and_goes_when_it_succeeds(self) -> None:
        kinds = [one["kind"] for one in self.made()]
        assert sorted(kinds) == sorted(["ServiceAccount", *["Role", "RoleBinding"] * 2, "Pod"])
        for one in self.made():
            notes = one["metadata"]["annotations"]
            assert notes["helm.sh/hook"] == "test"
            assert "hook-succeeded" in notes["helm.sh/hook-delete-policy"]

    def test_the_pod_comes_when_its_rights_are_there(self) -> None:
        weights = {
            one["kind"]: int(one["metadata"]["annotations"].get("helm.sh/hook-weight", 0))
            for one in self.made()
        }
        assert weights.pop("Pod") > max(weights.values())

    @pytest.mark.parametrize("watched", ["", "team"])
    def test_its_account_may_read_one_lease_and_try_apps_where_they_are_looked_after(
        self, watched: str
    ) -> None:
        rules = {
            (one["metadata"]["namespace"], *rule["resources"], *rule["verbs"]): rule
            for one in of_kind(self.made("--set", f"watchNamespace={watched}"), "Role")
            for rule in one["rules"]
        }
        read = ("system", "leases", "get")
        assert set(rules) == {read, (watched or "system", "immutantapps", "create")}
        assert rules[read]["resourceNames"] == ["immutant-operator"]

    def test_its_pod_is_of_the_operators_image_and_no_freer_than_the_operator(self) -> None:
        (tested,) = of_kind(self.made(), "Pod")
        (its_own,) = tested["spec"]["containers"]
        operators = rendered()
        assert its_own["image"] == container(operators)["image"]
        assert its_own["securityContext"] == container(operators)["securityContext"]
        assert tested["spec"]["securityContext"] == pod(operators)["securityContext"]
        assert not SELECTED.items() <= tested["metadata"]["labels"].items(), "it is no operator"
