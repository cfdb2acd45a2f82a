"""What the objects of an app do, not how they are spelled."""

import itertools
from typing import Any

import pytest
from tests.unit.operator.apps import SOURCE, app, built, containers, environment, one, pod

from immutant.contract import names
from immutant.contract.environment import Environment, Grid, PodEnvironment
from immutant_operator.builders import Source
from immutant_operator.builders.budget import budgets
from immutant_operator.errors import SourceMissingError
from immutant_operator.kinds import OWNED

WEB = {"host": "demo.example.org"}
GATEWAY = {
    "gateway": {"parentRefs": [{"name": "public", "namespace": "infra", "sectionName": "https"}]}
}


def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [body for body in objects if body["kind"] in ("StatefulSet", "Deployment")]
    return [body["spec"]["template"] for body in found]


def test_everything_is_labelled_and_owned_and_of_a_kind_that_is_pruned() -> None:
    for body in built(SOURCE, web={**WEB, **GATEWAY}):
        metadata = body["metadata"]
        assert metadata["labels"][names.APP_LABEL] == "demo"
        assert [owner["uid"] for owner in metadata["ownerReferences"]] == ["uid-1"]
        assert metadata["namespace"] == "apps"
        assert (body["apiVersion"], body["kind"]) in {(kind.version, kind.name) for kind in OWNED}


def test_every_selector_selects_what_it_is_for() -> None:
    objects = built(SOURCE, web=WEB)
    labels = [template["metadata"]["labels"] for template in pods(objects)]
    for service in (body for body in objects if body["kind"] == "Service"):
        wanted = service["spec"]["selector"].items()
        assert len([own for own in labels if wanted <= own.items()]) == 1
    for name, selected in (("demo", [True, False]), ("demo-router", [False, True])):
        budget = one(objects, "PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"]
        assert [budget.items() <= own.items() for own in labels] == selected


def test_node_drains_take_as_many_pods_at_once_as_a_rollout_does() -> None:
    def most(**spec: Any) -> int:
        found: int = one(built(**spec), "PodDisruptionBudget")["spec"]["maxUnavailable"]
        return found

    assert most() == most(replicas=5) == 1
    many = {"replicas": 10, "cache": {"owners": 4}}
    assert most(rollout={"maxUnavailable": 2}, **many) == 2
    assert most(rollout={"maxUnavailable": "25%"}, **many) == 2, "rounded down"
    assert most(rollout={"maxUnavailable": "1%"}, **many) == 1
    assert most(rollout={"maxUnavailable": "100%"}, **many) == 3, "a copy stays"
    held = budgets(app(replicas=2), holds=True)
    assert [body["spec"]["maxUnavailable"] for body in held] == [0, 1], "routers have no copies"


def test_all_pods_are_at_the_restricted_level() -> None:
    for template in pods(built(SOURCE)):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*spec.get("initContainers", ()), *spec["containers"]]:
            context = container["securityContext"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not context["allowPrivilegeEscalation"]
            assert context["readOnlyRootFilesystem"]


def test_member_and_runtime_are_native_sidecars_that_start_without_waiting_ten_seconds() -> None:
    found = containers(built())
    assert [one["name"] for one in pod(built())["initContainers"]] == ["member", "runtime"]
    for name in ("member", "runtime"):
        assert found[name]["restartPolicy"] == "Always"
        assert found[name]["startupProbe"]["periodSeconds"] == 1


def test_the_token_is_in_the_sidecar_alone() -> None:
    mounted = {
        name: [mount["mountPath"] for mount in container["volumeMounts"]]
        for name, container in containers(built(SOURCE)).items()
    }
    holders = [name for name, paths in mounted.items() if any("serviceaccount" in p for p in paths)]
    assert holders == ["runtime"]
    assert not pod(built())["automountServiceAccountToken"]


def test_app_and_sidecar_read_what_the_operator_tells_them() -> None:
    found = containers(built(SOURCE, singletons={"leaseDuration": "5s"}))
    own = Environment.read(environment(found["app"]))
    assert own == Environment.read(environment(found["runtime"]))
    assert (own.replica, own.namespace) == ("demo-0", "apps")
    assert own.timings.lease_duration == 5.0
    assert isinstance(own.state, Grid)
    assert own.state.cluster == environment(found["member"])["IMMUTANT_GRID"] == "apps.uid-1"
    assert str(own.state.members[1]) == "demo-members.apps.svc.cluster.local:5701"
    sidecar = PodEnvironment.read(environment(found["runtime"]))
    assert (sidecar.pod_uid, sidecar.app_uid, sidecar.namespace) == ("pod-1", "uid-1", "apps")
    assert sidecar.zone == "near"


def test_the_app_can_be_looked_into_and_has_a_prompt_only_where_the_spec_says_so() -> None:
    found = containers(built(SOURCE))["app"]
    own = Environment.read(environment(found))
    assert str(own.console) == names.CONSOLE
    assert str(own.console and own.console.parent) in [
        mount["mountPath"] for mount in found["volumeMounts"]
    ]
    assert not own.repl
    assert Environment.read(environment(containers(built(SOURCE, repl=True))["app"])).repl


def test_the_users_variables_reach_the_app_alone() -> None:
    found = containers(built(env=[{"name": "COLOUR", "value": "blue"}]))
    assert environment(found["app"])["COLOUR"] == "blue"
    assert "COLOUR" not in environment(found["runtime"])


@pytest.mark.parametrize(("whole", "app_share"), [(6, 4), (30, 20), (120, 110)])
def test_the_app_leaves_some_of_the_grace_to_those_who_end_after_it(
    whole: int, app_share: float
) -> None:
    assert app(terminationGracePeriodSeconds=whole).spec.app_grace == app_share


@pytest.mark.parametrize(
    ("spec", "delay"),
    [
        ({}, 3.5),
        ({"web": {"health": {"period": "10s"}}}, 11.5),
        ({"web": {"router": {"enabled": False}}}, 5.0),
        ({"terminationGracePeriodSeconds": 6}, 3.0),  # of an app that has 4: from an older CRD
    ],
)
def test_a_pod_serves_on_until_nobody_sends_it_requests_and_no_longer_than_its_grace(
    spec: Any, delay: float
) -> None:
    told = Environment.read(environment(containers(built(**spec))["app"]))
    assert told.shutdown_delay == delay
    assert told.shutdown_delay < told.grace


def test_a_changed_source_is_another_copy_under_another_name() -> None:
    first, second = (built(Source({"app.py": text}, {})) for text in ("one", "two"))
    mounted = [
        next(
            volume["configMap"]["name"]
            for volume in pod(objects)["volumes"]
            if volume["name"] == "source"
        )
        for objects in (first, second)
    ]
    assert mounted[0] != mounted[1]
    assert one(first, "ConfigMap", mounted[0])["data"] == {"app.py": "one"}
    assert one(first, "ConfigMap", mounted[0])["immutable"]


def test_without_a_source_the_welcome_page_is_served_and_with_an_image_the_image() -> None:
    welcome = containers(built())["app"]
    assert welcome["command"][-1] == "immutant.welcome:app"
    assert "workingDir" not in welcome
    told = environment(welcome)
    assert (told["IMMUTANT_APP"], told["IMMUTANT_NAMESPACE"]) == ("demo", "apps")
    own = containers(built(image="mine:1", entrypoint="shop:site"))["app"]
    assert (own["image"], own["command"][-1]) == ("mine:1", "shop:site")


@pytest.mark.parametrize("entrypoint", ["app:app", "app.py:app", "app"])
def test_a_source_without_the_entrypoints_file_is_refused(entrypoint: str) -> None:
    wanted = app(source={"configMap": {"name": "code"}}, entrypoint=entrypoint)
    with pytest.raises(SourceMissingError, match=r"ConfigMap code has no key app\.py"):
        Source.of(wanted, "code", {"data": {"main.py": ""}})
    assert Source.of(wanted, "code", {"data": {"app.py": ""}}).digest


def test_changed_inputs_change_the_pods_and_nothing_else_does() -> None:
    templates = [pods(built(inputs=inputs))[0] for inputs in (None, "a", "b", "a")]
    assert templates[1] == templates[3]
    assert all(a != b for a, b in itertools.combinations(templates[:3], 2))


def test_scaling_changes_no_pod() -> None:
    assert pods(built(replicas=1)) == pods(built(replicas=3))


def test_there_is_an_ingress_once_there_is_a_host_and_it_is_on() -> None:
    assert [one for one in built() if one["kind"] == "Ingress"] == []
    off = {**WEB, "ingress": {"enabled": False}}
    assert [one for one in built(web=off) if one["kind"] == "Ingress"] == []
    on = {**WEB, "ingress": {"className": "traefik", "annotations": {"a": "b"}}}
    ingress = one(built(web=on), "Ingress")
    assert ingress["spec"]["ingressClassName"] == "traefik"
    assert ingress["metadata"]["annotations"] == {"a": "b"}
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] == "demo"


def test_the_routers_status_is_outside_only_if_asked_for() -> None:
    public = {**WEB, **GATEWAY, "router": {"status": {"public": True}}}
    paths = one(built(web=public), "Ingress")["spec"]["rules"][0]["http"]["paths"]
    assert [path["path"] for path in paths] == ["/haproxy-status", "/"]
    rules = one(built(web=public), "HTTPRoute")["spec"]["rules"]
    assert [rule["matches"][0]["path"]["value"] for rule in rules] == ["/haproxy-status", "/"]


def test_every_host_leads_to_the_app_once() -> None:
    web = {**WEB, **GATEWAY, "hosts": ["shop.example.org", "demo.example.org"]}
    names = ["demo.example.org", "shop.example.org"]
    ingress = one(built(web=web), "Ingress")["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == names
    assert one(built(web=web), "HTTPRoute")["spec"]["hostnames"] == names
    assert app(web=web).url == "http://demo.example.org"
    assert app(web={"hosts": ["shop.example.org"]}).url == "http://shop.example.org"


@pytest.mark.parametrize(
    ("tls", "secret", "annotations"),
    [
        ({"secretName": "mine"}, "mine", None),
        ({"issuer": "local"}, "demo-tls", {"cert-manager.io/issuer": "local"}),
        (
            {"clusterIssuer": "acme", "secretName": "mine"},
            "mine",
            {"cert-manager.io/cluster-issuer": "acme"},
        ),
    ],
)
def test_a_certificate_is_for_all_hosts_and_may_be_cert_managers(
    tls: Any, secret: str, annotations: Any
) -> None:
    web = {**WEB, "hosts": ["shop.example.org"], "tls": tls}
    ingress = one(built(web=web), "Ingress")
    (entry,) = ingress["spec"]["tls"]
    assert entry == {"hosts": ["demo.example.org", "shop.example.org"], "secretName": secret}
    assert ingress["metadata"].get("annotations") == annotations
    assert app(web=web).url == "https://demo.example.org"


def test_gateways_lead_to_the_app_beside_the_ingress_or_instead_of_it() -> None:
    assert [one for one in built(web=WEB) if one["kind"] == "HTTPRoute"] == []
    web = {**WEB, **GATEWAY, "ingress": {"enabled": False}}
    assert [one for one in built(web=web) if one["kind"] == "Ingress"] == []
    route = one(built(web=web), "HTTPRoute")["spec"]
    assert route["parentRefs"] == [{"name": "public", "namespace": "infra", "sectionName": "https"}]
    (rule,) = route["rules"]
    assert rule["backendRefs"] == [{"name": "demo", "port": 80}]
    assert app(web=web).url == "http://demo.example.org"


def test_without_a_router_the_known_controllers_keep_a_browser_on_its_pod() -> None:
    off = {**WEB, "router": {"enabled": False}}
    ingress, service = (one(built(web=off), kind)["metadata"] for kind in ("Ingress", "Service"))
    assert ingress["annotations"]["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    assert service["annotations"]["traefik.ingress.kubernetes.io/service.sticky.cookie"] == "true"
    stated = {"annotations": {"nginx.ingress.kubernetes.io/affinity": ""}}
    ingress = one(built(web={**off, "ingress": stated}), "Ingress")["metadata"]
    assert ingress["annotations"]["nginx.ingress.kubernetes.io/affinity"] == ""
    for kind in ("Ingress", "Service"):
        assert "annotations" not in one(built(web=WEB), kind)["metadata"]


def test_without_a_router_the_service_leads_to_the_pods() -> None:
    objects = built(web={"router": {"enabled": False}})
    service = one(objects, "Service")["spec"]
    assert service["selector"]["app.kubernetes.io/component"] == "app"
    assert service["ports"][0]["targetPort"] == names.APP_PORT
    assert not [body for body in objects if "router" in body["metadata"]["name"]]


def allowed(objects: list[dict[str, Any]], port: int) -> Any:
    """From where a policy of the app's pods lets a port be reached; None: from nowhere."""
    rules = one(objects, "NetworkPolicy")["spec"]["ingress"]
    (rule,) = [rule for rule in rules if port in [one["port"] for one in rule["ports"]]]
    return rule.get("from", "anywhere")


def test_only_the_apps_own_pods_reach_the_grid_and_only_the_router_the_web() -> None:
    objects = built()
    (grid,) = allowed(objects, names.MEMBER_PORT)
    assert grid["podSelector"]["matchLabels"] == app().selector("app")
    (web,) = allowed(objects, names.APP_PORT)
    assert web["podSelector"]["matchLabels"] == app().selector("router")
    assert allowed(objects, names.OPS_PORT) == "anywhere"
    assert allowed(objects, names.MEMBER_METRICS_PORT) == "anywhere"
    assert allowed(built(web={"router": {"enabled": False}}), names.APP_PORT) == "anywhere"


def test_the_pods_account_may_only_use_leases_and_never_delete_them() -> None:
    (rule,) = one(built(), "Role", "immutant-app-demo")["rules"]
    assert rule["resources"] == ["leases"]
    assert "delete" not in rule["verbs"]
    assert pod(built())["serviceAccountName"] == "immutant-app-demo"
