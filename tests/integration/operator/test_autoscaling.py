"""`kubectl scale`, `kubectl apply` and the real autoscaler on an app's scale subresource."""

import asyncio
import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
import yaml
from tests.documents import ROOT, Block, blocks, name
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, is_complete, kubectl
from tests.integration.operator.metered import RESOLUTION, Kubelet, metered, usage

_PATIENCE = 6.0 * RESOLUTION
"""Seconds until the autoscaler has done what it is to do: a figure of a new pod takes two looks."""

_DOCUMENTED = [
    block
    for block in blocks()
    if block.path == ROOT / "docs" / "cluster.md"
    and block.kind == "yaml"
    and "HorizontalPodAutoscaler" in block.code
]
_AUTOSCALE = "kubectl autoscale immutantapp"


@pytest.fixture
def kubelet(server: ApiServer) -> Iterator[Kubelet]:
    with metered(server) as kubelet:
        yield kubelet


def manifest(operated: Operated, **spec: Any) -> str:
    body = {
        "apiVersion": "immutant.org/v1alpha1",
        "kind": "ImmutantApp",
        "metadata": {"name": operated.name, "namespace": operated.namespace},
        "spec": spec,
    }
    return json.dumps(body)


def scale(server: ApiServer, operated: Operated, replicas: int) -> None:
    where = ("-n", operated.namespace, "immutantapp", operated.name)
    kubectl(server, "scale", f"--replicas={replicas}", *where)


def replicas(server: ApiServer, operated: Operated) -> int:
    return int(scale_of(server, operated)["spec"]["replicas"])


def scale_of(server: ApiServer, operated: Operated) -> Any:
    path = f"/apis/immutant.org/v1alpha1/namespaces/{operated.namespace}/immutantapps"
    return server.call("GET", f"{path}/{operated.name}/scale")


async def test_an_app_can_be_scaled_before_it_says_how_many_pods_it_wants(
    server: ApiServer, operated: Operated
) -> None:
    kubectl(server, "apply", "-f", "-", stdin=manifest(operated))
    assert replicas(server, operated) == 1
    scale(server, operated, 2)
    app = await operated.until(lambda app: is_complete(app) and app["status"]["replicas"] == 2)
    assert app["spec"]["replicas"] == 2
    assert scale_of(server, operated)["status"]["replicas"] == 2


async def test_the_scales_selector_finds_the_pods_of_the_app_and_not_those_of_its_router(
    server: ApiServer, operated: Operated
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    deployment = await operated.api.get("apps/v1", "Deployment", operated.namespace, "demo-router")
    router = deployment["spec"]["template"]
    account = {"name": "default", "namespace": operated.namespace}
    await operated.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    named = {**router["metadata"], "name": "demo-router-0", "namespace": operated.namespace}
    await operated.api.create({"apiVersion": "v1", "kind": "Pod", **router, "metadata": named})
    selector = scale_of(server, operated)["status"]["selector"]
    where = ("-n", operated.namespace, "-l", selector, "-o", "name")
    assert kubectl(server, "get", "pods", *where).split() == ["pod/demo-0", "pod/demo-1"]


@pytest.mark.parametrize("how", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_an_apply_that_never_said_replicas_leaves_them_as_they_were_scaled(
    server: ApiServer, operated: Operated, how: tuple[str, ...]
) -> None:
    kubectl(server, "apply", *how, "-f", "-", stdin=manifest(operated))
    scale(server, operated, 3)
    changed = manifest(operated, podAnnotations={"a": "b"})
    kubectl(server, "apply", *how, "-f", "-", stdin=changed)
    assert replicas(server, operated) == 3


def test_replicas_that_are_taken_out_of_a_manifest_go_back_to_one_unless_that_is_said_before(
    server: ApiServer, operated: Operated
) -> None:
    without = manifest(operated)
    kubectl(server, "apply", "-f", "-", stdin=manifest(operated, replicas=2))
    scale(server, operated, 3)
    kubectl(server, "apply", "set-last-applied", "-f", "-", stdin=without)
    kubectl(server, "apply", "-f", "-", stdin=without)
    assert replicas(server, operated) == 3
    kubectl(server, "apply", "-f", "-", stdin=manifest(operated, replicas=2))
    scale(server, operated, 3)
    kubectl(server, "apply", "-f", "-", stdin=without)
    assert replicas(server, operated) == 1


def test_server_side_who_scaled_owns_the_replicas_and_who_left_them_out_may(
    server: ApiServer, operated: Operated
) -> None:
    with_two, without = manifest(operated, replicas=2), manifest(operated)
    kubectl(server, "apply", "--server-side", "-f", "-", stdin=with_two)
    scale(server, operated, 3)
    said = kubectl(server, "apply", "--server-side", "-f", "-", stdin=with_two, check=False)
    assert "conflict" in said
    assert ".spec.replicas" in said
    kubectl(server, "apply", "--server-side", "-f", "-", stdin=without)
    assert replicas(server, operated) == 3


@pytest.mark.parametrize("block", _DOCUMENTED, ids=map(name, _DOCUMENTED))
def test_a_documented_autoscaler_is_one(server: ApiServer, namespace: str, block: Block) -> None:
    checked = ("--dry-run=server", "--validate=strict", "-n", namespace)
    for body in yaml.safe_load_all(block.code):
        if body["kind"] == "HorizontalPodAutoscaler":
            said = kubectl(server, "apply", *checked, "-f", "-", stdin=json.dumps(body))
            assert "Warning" not in said
            assert body["spec"]["scaleTargetRef"]["kind"] == "ImmutantApp"


def test_the_documented_command_makes_an_autoscaler(server: ApiServer, operated: Operated) -> None:
    kubectl(server, "apply", "-f", "-", stdin=manifest(operated))
    (line,) = (
        line
        for block in blocks()
        if block.kind == "sh"
        for line in block.code.splitlines()
        if line.startswith(_AUTOSCALE)
    )
    options = line.removeprefix(_AUTOSCALE).split()[1:]
    kubectl(server, "autoscale", "immutantapp", "demo", *options, "-n", operated.namespace)
    where = ("-n", operated.namespace, "demo", "-o", "jsonpath={.spec.scaleTargetRef.kind}")
    assert kubectl(server, "get", "horizontalpodautoscaler", *where) == "ImmutantApp"


@pytest.mark.timeout(300)
async def test_the_autoscaler_follows_the_apps_processors_and_pods_go_one_at_a_time(
    server: ApiServer, operated: Operated, kubelet: Kubelet
) -> None:
    await operated.write(resources={"requests": {"cpu": "200m", "memory": "64Mi"}})
    await operated.until(is_complete)
    kubelet.shared[operated.namespace], kubelet.other = 0.4, 2.0
    autoscale(server, operated)
    seen: list[tuple[int, int]] = []
    await until_pods(operated, 3, seen)
    used = await until_told(server, operated, 3)
    assert set(used["demo-0"]) == {"app", "member", "runtime"}
    # Now the figures of all three are known, and say what the three of them should be.
    assert await stays(operated, 3, RESOLUTION)
    kubelet.shared.clear()
    await until_pods(operated, 1, seen)
    assert [wanted for wanted, _ in groupby(wanted for wanted, _ in seen)] == [1, 3, 1]
    steps = [there for there, _ in groupby(there for _, there in seen)]
    assert steps[-3:] == [3, 2, 1], "one at a time"


def autoscale(server: ApiServer, operated: Operated) -> None:
    """The autoscaler of the documents, from one pod to three, that waits for nothing."""
    (body,) = (
        body
        for block in _DOCUMENTED
        for body in yaml.safe_load_all(block.code)
        if "containerResource" in str(body)
    )
    body["spec"]["scaleTargetRef"]["name"] = operated.name
    body["spec"] |= {"minReplicas": 1, "maxReplicas": 3}
    body["spec"]["behavior"] = {"scaleDown": {"stabilizationWindowSeconds": 0}}
    kubectl(server, "apply", "-n", operated.namespace, "-f", "-", stdin=json.dumps(body))


async def until_pods(operated: Operated, count: int, seen: list[tuple[int, int]]) -> None:
    """Wait for as many pods; how many are wanted and there meanwhile is noted."""

    def there(app: Any) -> bool:
        seen.append((app["spec"]["replicas"], app["status"]["replicas"]))
        return is_complete(app) and seen[-1] == (count, count)

    await operated.until(there, patience=_PATIENCE)


async def until_told(server: ApiServer, operated: Operated, count: int) -> Any:
    async with asyncio.timeout(_PATIENCE):
        while len(used := usage(server, operated.namespace)) < count:  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.5)
    return used


async def stays(operated: Operated, count: int, seconds: float) -> bool:
    """Whether so many pods are wanted all the time."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        app = await operated.look()
        await operated.make_ready()
        if app["spec"]["replicas"] != count:
            return False
        await asyncio.sleep(0.5)
    return True
