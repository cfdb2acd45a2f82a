"""Pods killed, nodes crashed and cut off, under a load of requests, sessions, messages and writes.

Only what was on its way at the victim may fail, and nothing that was acknowledged is lost. The
short form kills a pod and crashes a node, the long form (IMMUTANT_TRIALS above 1) does so more
often, and cuts nodes off.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.chaos.settings import LONG
from tests.e2e.busy import Busy, scale, served
from tests.e2e.cluster import Cluster, Pods, until
from tests.e2e.faults import kill_pod
from tests.e2e.members import are_whole
from tests.e2e.testbed import Testbed
from tests.e2e.tolls import Tolls

pytestmark = pytest.mark.alone

KILLS = 10 if LONG else 1
NODES = 3 if LONG else 1
AT_ONCE = 1.0
"""Seconds that a fault takes to reach every process of its victim."""
CUT = 15.0
"""Seconds that a cut lasts: the rest of the grid has given its member up, and goes on."""
ELSEWHERE = 90.0
"""Seconds in which a crashed node's pod is ready on another one."""
WRITES_AGAIN = 10.0
"""Seconds in which the survivor of two takes writes again."""


@pytest.fixture(scope="module")
def pods(cluster: Cluster, testbed: Testbed) -> Iterator[Pods]:
    with served(cluster, "breaks", replicas=3) as pods:
        yield pods


@pytest.mark.timeout(600 + 120 * KILLS)
def test_a_pod_that_is_killed_fails_the_requests_that_it_had_and_loses_nothing(
    cluster: Cluster, pods: Pods, tolls: Tolls
) -> None:
    for _ in range(KILLS):
        pod = broken(cluster, pods, tolls, "pod killed", kill_pod)
        # A kubelet waits longer before each restart of the same pod, in the end five minutes.
        cluster.kubectl("delete", "pod", pod["metadata"]["name"], "-n", pods.namespace)


@pytest.mark.timeout(600 + 240 * NODES)
def test_a_crashed_nodes_pod_is_ready_elsewhere_soon_and_nothing_is_lost(
    cluster: Cluster, testbed: Testbed, pods: Pods, tolls: Tolls
) -> None:
    def crash(pod: Any) -> None:
        testbed.crash(node_of(pod))
        took = until(lambda: is_elsewhere(pods, pod), "it is ready elsewhere", ELSEWHERE)
        tolls.recovered("a crashed node's pod is ready on another node", took)
        testbed.restart(node_of(pod))

    for _ in range(NODES):
        broken(cluster, pods, tolls, "node crashed", crash)


@pytest.mark.skipif(not LONG, reason="the long form's: `make chaos`")
@pytest.mark.timeout(600 + 240 * NODES)
def test_a_node_that_is_cut_off_and_healed_loses_nothing(
    cluster: Cluster, testbed: Testbed, pods: Pods, tolls: Tolls
) -> None:
    def cut(pod: Any) -> None:
        testbed.cut(node_of(pod))
        time.sleep(CUT)
        testbed.heal(node_of(pod))

    for _ in range(NODES):
        broken(cluster, pods, tolls, "node cut off", cut)


def test_the_survivor_of_two_writes_again_soon(cluster: Cluster, pods: Pods, tolls: Tolls) -> None:
    scale(cluster, pods, 2)
    until_whole(cluster, pods)
    busy = Busy(cluster)
    with busy.load:
        until(lambda: all(one.acknowledged for one in busy.writers), "a load at rest")
        before = [len(one.acknowledged) for one in busy.writers]
        began = time.monotonic()
        kill_pod(pods.all()[pods.ready()[0]])
        until(
            lambda: any(
                len(one.acknowledged) > count + 3
                for one, count in zip(busy.writers, before, strict=True)
            ),
            "writes go on",
            WRITES_AGAIN,
        )
        tolls.recovered("the survivor of two writes again", time.monotonic() - began)
        until_whole(cluster, pods)
    busy.assert_all_is_there()


def broken(
    cluster: Cluster, pods: Pods, tolls: Tolls, kind: str, fault: Callable[[Any], object]
) -> Any:
    """Break a pod or its node under load, and wait until all is whole again; which it was."""
    scale(cluster, pods, 3)
    until_whole(cluster, pods)
    busy, pod = Busy(cluster), victim(cluster, pods)
    with busy.load as load:
        until(lambda: load.answered() >= 100 or bool(load.failures), "a load at rest")
        load.note(f"-- {kind}")
        began = time.monotonic()
        fault(pod)
        load.note("-- mended")
        until_whole(cluster, pods)
        ended = time.monotonic()
    tolls.cost(kind, load, began, ended)
    load.assert_failed_only_between(began, began + AT_ONCE)
    busy.assert_all_is_there()
    return pod


def until_whole(cluster: Cluster, pods: Pods) -> None:
    until(cluster.nodes_are_ready, "three nodes are ready")
    until(lambda: len(pods.ready()) == len(pods.all()) > 1, "the pods are ready")
    until(lambda: are_whole(cluster, pods.all().values()), "the grid is whole")


def victim(cluster: Cluster, pods: Pods) -> Any:
    """One of three pods, on a node without a router: what is in front of the pod goes on.

    How soon an ingress controller notices that a router's node is gone is its own. Pods that came
    together when a node was lost are spread anew.
    """
    label = f"immutant.org/app={pods.app},app.kubernetes.io/component=router"
    routers = cluster.get("pods", "-n", pods.namespace, "-l", label)
    taken = {router["spec"].get("nodeName") for router in routers}
    while not (found := [pod for pod in pods.all().values() if node_name(pod) not in taken]):
        nodes = [node_name(pod) for pod in pods.all().values()]
        name = next(name for name in pods.all() if nodes.count(pods.node(name)) > 1)
        cluster.kubectl("delete", "pod", name, "-n", pods.namespace)
        until_whole(cluster, pods)
    return found[0]


def node_name(pod: Any) -> str:
    return str(pod["spec"]["nodeName"])


def node_of(pod: Any) -> int:
    return int(node_name(pod).removeprefix("node"))


def is_elsewhere(pods: Pods, former: Any) -> bool:
    """Whether a pod of the same name, and another life, is ready on another node."""
    now = pods.all().get(former["metadata"]["name"])
    return (
        now is not None
        and now["metadata"]["uid"] != former["metadata"]["uid"]
        and now["spec"].get("nodeName") != former["spec"]["nodeName"]
        and former["metadata"]["name"] in pods.ready()
    )
