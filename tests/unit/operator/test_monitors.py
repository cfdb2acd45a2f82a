"""How an app's pods are found by Prometheus."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.operator.apps import CLUSTER, body, built, one, pod

from immutant.contract import names
from immutant_operator import monitoring
from immutant_operator.api import Api, ApiError
from immutant_operator.builders import Cluster, Manifest
from immutant_operator.keeping import Keeper
from immutant_operator.spec import parse

MONITORED = replace(CLUSTER, monitoring="monitors", monitor_labels={"release": "prometheus"})
ANNOTATED = replace(CLUSTER, monitoring="annotations")


def stated(objects: list[Manifest], kind: str, name: str = "demo") -> dict[str, str]:
    metadata = one(objects, kind, name)["spec"]["template"]["metadata"]
    return {
        key: value
        for key, value in (metadata.get("annotations") or {}).items()
        if key.startswith("prometheus.io/")
    }


def test_a_pod_monitor_asks_all_pods_at_the_ports_that_they_have() -> None:
    objects = built(cluster=MONITORED)
    monitor = one(objects, "PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    templates = [
        found["spec"]["template"]
        for found in (one(objects, "StatefulSet"), one(objects, "Deployment", "demo-router"))
    ]
    assert all(wanted <= template["metadata"]["labels"].items() for template in templates)
    containers = [*pod(objects)["initContainers"], *templates[1]["spec"]["containers"]]
    ports = {port["name"] for container in containers for port in container["ports"]}
    asked = {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]}
    assert asked == {"ops", "metrics", "status"} <= ports
    assert monitor["spec"]["podTargetLabels"] == [names.APP_LABEL]
    assert stated(objects, "StatefulSet") == stated(objects, "Deployment", "demo-router") == {}


def test_without_monitors_the_pods_are_annotated_and_users_have_the_last_word() -> None:
    objects = built(cluster=ANNOTATED)
    assert [found for found in objects if found["kind"] == "PodMonitor"] == []
    assert stated(objects, "StatefulSet")["prometheus.io/port"] == str(names.OPS_PORT)
    router = stated(objects, "Deployment", "demo-router")
    assert router["prometheus.io/port"] == str(names.ROUTER_STATUS_PORT)
    mine = built(cluster=ANNOTATED, podAnnotations={"prometheus.io/scrape": "false"})
    assert stated(mine, "StatefulSet")["prometheus.io/scrape"] == "false"


def test_monitors_that_come_later_restart_no_pod() -> None:
    def keeper(cluster: Cluster, **spec: Any) -> Keeper:
        return Keeper(parse(body(**spec)), body(**spec), cluster)

    there = {
        (found["kind"], found["metadata"]["name"]): found for found in built(cluster=ANNOTATED)
    }
    later = keeper(MONITORED)
    kept = later.chosen(later.fresh(None, None), there).pods
    assert kept.app["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    changed = keeper(MONITORED, env=[{"name": "A", "value": "1"}])
    pods = changed.chosen(changed.fresh(None, None), there).pods
    assert "annotations" not in pods.app["metadata"]


class _Answering(Api):
    """An API server that answers with these, one after the other."""

    def __init__(self, *answers: bool | ApiError) -> None:
        self.answers = list(answers)

    async def serves(self, version: str, plural: str) -> bool:
        answer = self.answers.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer


async def test_the_cluster_is_asked_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "_REPEAT", 0.0)
    assert (await monitoring.found(_Answering(True), CLUSTER)).monitoring == "monitors"
    assert (await monitoring.found(_Answering(False), MONITORED)).monitoring == "annotations"
    busy = _Answering(ApiError(503, "busy"), ApiError(0, "no answer"), True)
    assert (await monitoring.found(busy, CLUSTER)).monitoring == "monitors"
