"""A message's way through two pods as a collector in the same cluster sees it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.cluster import Cluster, Pods, Workload, namespace, until
from tests.e2e.manifests import app_of

COLLECTOR = Path(__file__).parent / "apps" / "collector.py"
TRACED = Path(__file__).parents[1] / "integration" / "telemetry" / "traced.py"
HOST = "traced.example.org"


@pytest.fixture
def traced(cluster: Cluster) -> Iterator[Pods]:
    """The application, once its collector is there."""
    with namespace(cluster, "traces") as name:
        apply(cluster, name, app_of("collector", COLLECTOR))
        collector = Workload(cluster, "collector", name)
        collector.until_ready(1)
        # Its router, too: what is exported before is lost, and a job's only run is not told again.
        until(lambda: seen(cluster, collector) is not None, "the collector answers")
        env = [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": f"http://collector.{name}"}]
        apply(cluster, name, app_of("traced", TRACED, replicas=2, web={"host": HOST}, env=env))
        with Pods(cluster, "traced", name) as pods:
            pods.until_ready(2)
            yield pods


def test_a_request_and_the_message_that_it_sends_to_another_pod_are_one_trace(
    cluster: Cluster, traced: Pods
) -> None:
    until(lambda: is_ordered_at(cluster, "traced-0"), "the pod that handles no orders answers")
    wanted = [
        ("GET /order/{name}", "traced-0"),
        ("send orders", "traced-0"),
        ("process orders", "traced-1"),
    ]
    found: dict[str, Any] = {}

    def is_told(what: Callable[[], bool]) -> bool:
        found.update(seen(cluster, traced) or {})
        return what()

    until(lambda: is_told(lambda: wanted in ways(found)), "the order is told from end to end")
    until(lambda: is_told(lambda: "job once" in names(found)), "the job's run is told")
    (of, *_) = [one["of"] for one in found.values()]
    assert (of["service.name"], of["k8s.namespace.name"]) == ("traced", traced.namespace)


def ways(spans: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """The spans from a beginning to each handled order, by name and pod, of one trace each."""
    found = []
    for one in spans.values():
        if one["name"] == "process orders":
            chain = [one]
            while (parent := spans.get(chain[0]["parent"])) is not None:
                assert parent["trace"] == one["trace"]
                chain.insert(0, parent)
            found.append([(each["name"], each["of"]["k8s.pod.name"]) for each in chain])
    return found


def apply(cluster: Cluster, namespace: str, manifest: str) -> None:
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=manifest)


def is_ordered_at(cluster: Cluster, pod: str) -> bool:
    """Order, as somebody who was never there; whether it was that pod that answered."""
    try:
        answer = cluster.browser().get(HOST, "/order/one")
    except OSError:  # the ingress controller does not know of it yet
        return False
    return pod in answer


def seen(cluster: Cluster, pods: Workload) -> dict[str, Any] | None:
    """The collector's spans, by their ids; None: it does not answer just now."""
    try:
        text = cluster.proxied("services/collector:80", "spans", pods.namespace)
    except AssertionError:
        return None
    spans: dict[str, Any] = json.loads(text)
    return spans


def names(spans: dict[str, Any]) -> set[str]:
    return {one["name"] for one in spans.values()}
