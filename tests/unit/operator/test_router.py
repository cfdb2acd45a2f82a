"""The router's configuration, read by HAProxy itself."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.machine import need
from tests.unit.operator.apps import app, built, one

from immutant.contract import names
from immutant_operator.builders.haproxy import haproxy_configuration

DOMAIN = "cluster.local"


def deployment(**spec: Any) -> Any:
    return one(built(**spec), "Deployment", "demo-router")["spec"]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"web": {"host": "demo.example.org", "health": {"path": "/a%20b/~c", "period": "250ms"}}},
        {"replicas": 400, "terminationGracePeriodSeconds": 3600},
    ],
)
def test_haproxy_accepts_it_without_a_warning(spec: dict[str, Any], tmp_path: Path) -> None:
    need("haproxy")
    path = tmp_path / "haproxy.cfg"
    text = haproxy_configuration(app(**spec), DOMAIN)
    path.write_text(text.replace("init-addr libc,none", "init-addr none"))  # no cluster to ask
    ended = subprocess.run(
        ["haproxy", "-c", "-f", path], text=True, capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "WARNING" not in ended.stderr


def test_the_check_is_marked_as_the_pods_expect_it() -> None:
    text = haproxy_configuration(app(web={"health": {"path": "/up", "period": "1.5s"}}), DOMAIN)
    assert "uri /up" in text
    assert "inter 1500ms" in text
    assert f"hdr {names.CHECK_HEADER} router" in text
    assert f"del-header {names.CHECK_HEADER}" in text


@pytest.mark.parametrize(("replicas", "slots"), [(0, 10), (9, 10), (10, 20), (25, 30)])
def test_there_is_a_server_for_every_pod_and_for_a_temporary_one(replicas: int, slots: int) -> None:
    text = haproxy_configuration(app(replicas=replicas), DOMAIN)
    assert f"pod 1-{slots} demo-web.apps.svc.cluster.local:8080" in text


def test_a_dns_that_does_not_answer_takes_no_pod_out() -> None:
    text = haproxy_configuration(app(), DOMAIN)
    for silence in ("timeout", "refused", "other"):
        assert f"hold {silence} 24h" in text


def test_another_configuration_rolls_the_router() -> None:
    def marks(**spec: Any) -> Any:
        return deployment(**spec)["template"]["metadata"]["annotations"]

    assert marks() == marks(replicas=2)
    assert marks() != marks(web={"health": {"path": "/up"}})


@pytest.mark.parametrize(
    ("replicas", "stated", "routers"), [(0, {}, 1), (1, {}, 1), (2, {}, 2), (9, {}, 2), (2, 1, 1)]
)
def test_there_are_two_routers_once_there_are_two_pods_unless_stated(
    replicas: int, stated: Any, routers: int
) -> None:
    web = {"router": {"replicas": stated}} if stated else {}
    assert deployment(replicas=replicas, web=web)["replicas"] == routers


@pytest.mark.parametrize("grace", [7, 30, 3600])
def test_a_router_that_goes_serves_on_first_and_then_has_the_whole_grace(grace: int) -> None:
    pod = deployment(terminationGracePeriodSeconds=grace)["template"]["spec"]
    (container,) = pod["containers"]
    _, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert pod["terminationGracePeriodSeconds"] == int(seconds) + grace
    text = haproxy_configuration(app(terminationGracePeriodSeconds=grace), DOMAIN)
    assert f"hard-stop-after {grace}s" in text


def test_a_new_router_gets_requests_once_it_has_checked_everybody() -> None:
    def first_probe(period: str) -> Any:
        web = {"health": {"period": period}}
        (container,) = deployment(web=web)["template"]["spec"]["containers"]
        return container["startupProbe"]["initialDelaySeconds"]

    assert [first_probe(period) for period in ("250ms", "2s", "9.5s")] == [4, 5, 13]


def test_pods_that_the_dns_does_not_name_yet_are_reached_by_their_service() -> None:
    service = one(built(), "Service", "demo-ready")["spec"]
    assert service["selector"] == app().selector("app")
    assert "clusterIP" not in service
    (port,) = service["ports"]
    text = haproxy_configuration(app(), DOMAIN)
    assert f"server ready demo-ready.apps.svc.cluster.local:{port['port']}" in text
