"""A real autoscaler on what an application uses of the processors: up to three pods, and back.

The long form's: the same controller looks at figures that are told in `tests/integration`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from tests.chaos.settings import LONG
from tests.e2e.cluster import Cluster, Pods, is_ready, namespace, until
from tests.e2e.figures import Figures
from tests.e2e.manifests import app_of
from tests.e2e.testbed import Testbed, given_kubeconfig
from tests.load import Address, Client, Load
from tests.machine import not_run

APP = Path(__file__).parent / "apps" / "burning.py"
HOST = "burning.example.org"
REQUEST = 300
"""Thousandths of a processor that each pod asks for; half of it is the autoscaler's target."""

COST = 40
"""Thousandths of a second of a processor that a request costs."""

VISITORS, PAUSE = 4, 0.2
"""Four visitors ask up to 16 times a second, which is 0.6 of a processor. From 0.3 on it takes
three pods, so that a machine that gives them half of it changes nothing."""

UP = 240.0
"""Seconds: two looks of metrics-server, one of the autoscaler, two pods' start, and patience."""

DOWN = 420.0
"""Seconds: the same, the autoscaler's window, and that two pods leave, one after the other."""

METRICS = "/apis/metrics.k8s.io/v1beta1"


class Asking:
    """Asks for a page, each time as somebody who was never there: the router takes turns."""

    def __init__(self, path: str, answer: str) -> None:
        self._path, self._answer = path, answer

    def visit(self, client: Client) -> None:
        client.cookies.clear()
        assert client.ask("GET", self._path) == self._answer


@dataclass(frozen=True)
class Seen:
    """How many pods were wanted, there, and on their way out."""

    wanted: int
    there: int
    leaving: int


@pytest.fixture(scope="module")
def metered(cluster: Cluster) -> None:
    """Metrics of pods: the testbed's own, or the given cluster's if it has them."""
    if given_kubeconfig() is None:
        Testbed().meter()
    elif "PodMetrics" not in cluster.kubectl("get", "--raw", METRICS, check=False):
        reason = "the cluster that KUBECONFIG names has no metrics-server; install it to run this"
        not_run("autoscaling", reason)
        pytest.skip(reason)


@pytest.fixture
def pods(cluster: Cluster, metered: None) -> Iterator[Pods]:
    with namespace(cluster, "autoscaling") as name:
        resources = {"requests": {"cpu": f"{REQUEST}m", "memory": "128Mi"}}
        manifest = app_of("burning", APP, web={"host": HOST}, resources=resources)
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=manifest)
        with Pods(cluster, "burning", name) as pods:
            pods.until_ready(1)
            routers = ("deployment/burning-router", "--timeout=120s")
            cluster.kubectl("rollout", "status", "-n", name, *routers)
            client = Client(Address(cluster.ingress, 80, HOST), keeps=False)
            until(lambda: is_served(client), "it is served from outside")
            yield pods


@pytest.mark.alone
@pytest.mark.skipif(not LONG, reason="the long form's: `make chaos`")
@pytest.mark.timeout(1200)
def test_a_load_makes_it_three_pods_and_its_end_one_again_and_no_request_fails(
    cluster: Cluster, pods: Pods, figures: Figures
) -> None:
    cluster.kubectl("apply", "-n", pods.namespace, "-f", "-", stdin=json.dumps(autoscaler()))
    address, seen = Address(cluster.ingress, 80, HOST), list[Seen]()
    burners = [Asking(f"/burn?ms={COST}", "burnt") for _ in range(VISITORS)]
    with Load(address, [Asking("/", "hello") for _ in range(2)], PAUSE) as light:
        with Load(address, burners, PAUSE) as heavy:
            took = until(lambda: is_at(3, cluster, pods, seen), "three pods", UP)
        figures.note("autoscaling: from the load's begin to three pods", f"{took:.0f} s")
        took = until(lambda: is_at(1, cluster, pods, seen), "one pod again", DOWN)
        figures.note("autoscaling: from the load's end to one pod", f"{took:.0f} s")
    heavy.assert_none_failed()
    light.assert_none_failed()
    wanted = [size for size, _ in groupby(one.wanted for one in seen)]
    top = wanted.index(3)
    assert wanted == sorted(wanted[:top]) + sorted(wanted[top:], reverse=True), "to and fro"
    there = [size for size, _ in groupby(one.there for one in seen)]
    assert there[-3:] == [3, 2, 1], there
    assert max(one.leaving for one in seen) == 1, "one at a time"


def autoscaler() -> dict[str, Any]:
    """As in docs/cluster.md, from one pod to three, and soon down."""
    target = {"type": "Utilization", "averageUtilization": 50}
    looked_at = {"name": "cpu", "container": "app", "target": target}
    kind = {"apiVersion": "immutant.org/v1alpha1", "kind": "ImmutantApp", "name": "burning"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "burning"},
        "spec": {
            "scaleTargetRef": kind,
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [{"type": "ContainerResource", "containerResource": looked_at}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 30}},
        },
    }


def is_at(count: int, cluster: Cluster, pods: Pods, seen: list[Seen]) -> bool:
    """Whether so many pods are wanted, and ready, and no other is there; what was seen is noted."""
    body = cluster.get("immutantapp", pods.app, "-n", pods.namespace)
    there = pods.all()
    leaving = sum("deletionTimestamp" in pod["metadata"] for pod in there.values())
    seen.append(Seen(body["spec"]["replicas"], len(there), leaving))
    ready = sum(is_ready(pod) for pod in there.values())
    return seen[-1].wanted == len(there) == ready == count


def is_served(client: Client) -> bool:
    try:
        return client.ask("GET", "/") == "hello"
    except AssertionError:
        return False
