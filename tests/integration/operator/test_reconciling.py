"""The reconciler against a real API server and the StatefulSet's real controller."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import (
    A_LOOK,
    CLUSTER,
    PATIENCE,
    Operated,
    condition,
    is_complete,
    kubectl,
)

from immutant_operator.api import APP_KIND, Api
from immutant_operator.objects import Json

HOST = {"host": "demo.example.org"}


async def test_an_app_becomes_all_its_objects_and_a_second_look_changes_nothing(
    operated: Operated,
) -> None:
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}}, web=HOST)
    app = await operated.until(is_complete)
    before = await operated.objects()
    assert {kind for kind, _ in before} >= {"StatefulSet", "Deployment", "Ingress", "RoleBinding"}
    assert app["status"]["ready"] == "1/1"
    assert app["status"]["url"] == "http://demo.example.org"
    assert condition(app, "Ready")["status"] == "True"
    await operated.look()
    assert await operated.objects() == before


async def test_what_is_turned_off_is_removed_and_what_users_made_is_not(operated: Operated) -> None:
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}}, web=HOST)
    await operated.until(is_complete)
    await operated.write(
        source={"configMap": {"name": "demo-source"}}, web={"router": {"enabled": False}}
    )
    await operated.until(is_complete)
    left = await operated.objects()
    assert not {
        ("Deployment", "demo-router"),
        ("Ingress", "demo"),
        ("Service", "demo-router"),
    } & set(left)
    assert await operated.api.find("v1", "ConfigMap", operated.namespace, "demo-source")


async def test_a_foreign_change_is_put_right(operated: Operated) -> None:
    await operated.write()
    await operated.until(is_complete)
    service = await operated.api.get("v1", "Service", operated.namespace, "demo")
    service["spec"]["selector"] = {"somebody": "else"}
    await operated.api.replace(service)
    await operated.look()
    mended = await operated.api.get("v1", "Service", operated.namespace, "demo")
    assert mended["spec"]["selector"]["immutant.org/app"] == "demo"


async def test_an_object_of_somebody_else_is_left_alone_and_named(operated: Operated) -> None:
    metadata = {"name": "demo-web", "namespace": operated.namespace}
    foreign = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    made = await operated.api.create({**foreign, "spec": {"ports": [{"port": 1}]}})
    await operated.write()
    app = await operated.look()
    assert condition(app, "Degraded")["reason"] == "NameTaken"
    assert "Service demo-web" in condition(app, "Degraded")["message"]
    now = await operated.api.get("v1", "Service", operated.namespace, "demo-web")
    assert now["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_what_somebody_has_put_in_an_objects_place_unseen_is_left_alone(
    operated: Operated,
) -> None:
    await operated.write()
    await operated.until(is_complete)
    await operated.look()
    kind = "v1", "ServiceAccount", operated.namespace, "immutant-app-demo"
    await operated.api.delete(await operated.api.get(*kind))
    metadata = {"name": "immutant-app-demo", "namespace": operated.namespace}
    foreign = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    made = await operated.api.create(foreign)
    operated.restart(store=operated.store)
    await operated.reconciler.reconcile(operated.key)
    now = await operated.api.get(*kind)
    assert now["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    app = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
    assert condition(app, "Degraded")["reason"] == "NameTaken"


async def test_what_somebody_has_taken_over_unseen_is_not_removed(operated: Operated) -> None:
    await operated.write(web=HOST)
    await operated.until(is_complete)
    await operated.look()
    kind = "networking.k8s.io/v1", "Ingress", operated.namespace, "demo"
    ingress = await operated.api.get(*kind)
    del ingress["metadata"]["ownerReferences"]
    await operated.api.replace(ingress)
    await operated.write()
    operated.store.saw(await operated.api.get(*APP_KIND, operated.namespace, operated.name))
    await operated.reconciler.reconcile(operated.key)
    assert await operated.api.find(*kind)
    await operated.until(is_complete)
    assert ("Ingress", "demo") in await operated.objects()


class Overtaken(Api):
    """The API as the operator sees it when the user writes just before it writes the status."""

    def __init__(self, api: Api, user: Callable[[], Awaitable[None]]) -> None:
        super().__init__(api._connection)
        self._user: Callable[[], Awaitable[None]] | None = user

    async def apply(self, manifest: Json, manager: str, subresource: str = "") -> Json:
        if subresource and self._user is not None:
            user, self._user = self._user, None
            await user()
        return await super().apply(manifest, manager, subresource)


async def test_a_spec_that_comes_while_the_status_is_written_is_looked_at_at_once(
    operated: Operated,
) -> None:
    await operated.write()
    operated.restart(Overtaken(operated.api, lambda: operated.write(replicas=2)))
    await operated.see()
    assert await operated.reconciler.reconcile(operated.key) == 0.0
    heard = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
    assert operated.store.saw(heard) == set(), "the watch's word of it would wake nobody"
    assert await operated.reconciler.reconcile(operated.key) != 0.0
    statefulset = await operated.api.get("apps/v1", "StatefulSet", operated.namespace, "demo")
    assert statefulset["spec"]["replicas"] == 2


class Counting(Api):
    """The API, and what it was asked for: verbs and kinds or names."""

    def __init__(self, api: Api) -> None:
        super().__init__(api._connection)
        self.asked: list[tuple[str, str]] = []

    async def _ask(self, method: str, path: str, *more: Any, **also: Any) -> Json:
        self.asked.append((method, path.rpartition("/")[2]))
        return await super()._ask(method, path, *more, **also)


async def test_an_app_at_rest_costs_one_request_and_one_more_for_its_source(
    operated: Operated,
) -> None:
    counting = Counting(operated.api)
    operated.restart(counting)
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}})
    await operated.until(is_complete)
    await operated.look()
    await operated.look()
    counting.asked.clear()
    await operated.reconciler.reconcile(operated.key)
    assert counting.asked == [("GET", "leases"), ("GET", "demo-source")]


async def test_a_new_source_rolls_a_single_pod_beside_a_second_one(operated: Operated) -> None:
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}})
    await operated.until(is_complete)
    first = (await operated.pods())["demo-0"]["metadata"]["uid"]
    await operated.source("two")
    await operated.until(lambda app: app["status"]["replicas"] == 2, ready=False)
    assert (await operated.pods())["demo-0"]["metadata"]["uid"] == first
    await operated.until(lambda app: is_complete(app) and app["status"]["replicas"] == 1)
    assert (await operated.pods())["demo-0"]["metadata"]["uid"] != first


async def test_a_broken_version_leaves_the_old_one_and_a_mended_one_goes_on(
    operated: Operated,
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    old = {name: pod["metadata"]["uid"] for name, pod in (await operated.pods()).items()}
    await operated.write(replicas=2, image="broken:1")
    await operated.until(
        lambda app: condition(app, "Progressing")["message"] == "waiting for demo-1 to be ready"
    )
    broken = (await operated.pods())["demo-1"]
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    status = {"name": "app", "image": "broken:1", "imageID": "", "ready": False, "restartCount": 0}
    await operated.say(broken, {"containerStatuses": [{**status, "state": waiting}]})
    app = await operated.look()
    assert condition(app, "Degraded")["reason"] == "ImagePullFailed"
    assert "broken:1" in condition(app, "Degraded")["message"]
    assert (await operated.pods())["demo-0"]["metadata"]["uid"] == old["demo-0"]
    await operated.write(replicas=2, image="mended:1")
    app = await operated.until(is_complete)
    assert condition(app, "Degraded")["status"] == "False"
    assert {pod["spec"]["containers"][0]["image"] for pod in (await operated.pods()).values()} == {
        "mended:1"
    }


async def test_a_missing_source_is_said_and_nothing_is_changed(operated: Operated) -> None:
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}})
    await operated.until(is_complete)
    before = await operated.objects()
    await operated.write(source={"configMap": {"name": "nowhere"}})
    app = await operated.look()
    assert condition(app, "Degraded")["reason"] == "SourceMissing"
    assert "create configmap nowhere" in condition(app, "Degraded")["message"]
    assert condition(app, "Ready")["status"] == "True"
    await operated.look()
    assert {k: v for k, v in (await operated.objects()).items() if k[0] != "ImmutantApp"} == {
        k: v for k, v in before.items() if k[0] != "ImmutantApp"
    }


async def test_trouble_is_an_event_once(operated: Operated, server: ApiServer) -> None:
    await operated.write(source={"configMap": {"name": "nowhere"}})
    for _ in range(3):
        await operated.look()
    events = await operated.api.list("v1", "Event", operated.namespace, {})
    told = [one for one in events if one["reason"] == "SourceMissing"]
    assert [one["type"] for one in told] == ["Warning"]
    shown = kubectl(server, "-n", operated.namespace, "describe", "iapp", "demo")
    assert "there is no ConfigMap nowhere" in shown


async def test_kubectl_scales_it_and_shrinks_it_one_pod_at_a_time(
    operated: Operated, server: ApiServer
) -> None:
    await operated.write()
    await operated.until(is_complete)
    kubectl(server, "-n", operated.namespace, "scale", "immutantapp", "demo", "--replicas=3")
    await operated.until(lambda app: is_complete(app) and app["status"]["replicas"] == 3)
    kubectl(server, "-n", operated.namespace, "scale", "iapp/demo", "--replicas=1")
    sizes = set()

    def shrunk(app: Json) -> bool:
        sizes.add(app["status"]["replicas"])
        return is_complete(app) and app["status"]["ready"] == "1/1"

    await operated.until(shrunk)
    assert sizes == {1, 2, 3}


async def test_no_pod_goes_while_the_grid_makes_copies_and_the_status_says_so(
    operated: Operated,
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    old = {pod["metadata"]["uid"] for pod in (await operated.pods()).values()}
    await operated.write(replicas=2, image="another:1")
    for _ in range(5):
        await operated.renew(is_safe=False)
        app = await operated.look()
    assert {pod["metadata"]["uid"] for pod in (await operated.pods()).values()} == old
    assert condition(app, "GridSafe")["reason"] == "CopiesMissing"
    assert condition(app, "DataAtRisk")["reason"] == "CopiesMissing"
    assert "copies of what demo-0, demo-1 has are still" in condition(app, "Progressing")["message"]
    assert [row["updated"] for row in app["status"]["pods"]] == [False, False]
    app = await operated.until(is_complete)
    assert [row["updated"] for row in app["status"]["pods"]] == [True, True]
    assert condition(app, "GridSafe")["status"] == "True"


async def test_a_pause_holds_a_rollout_and_going_back_needs_no_new_pod(operated: Operated) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    old = {pod["metadata"]["uid"] for pod in (await operated.pods()).values()}
    await operated.write(replicas=2, image="another:1", rollout={"paused": True})
    app = await operated.until(lambda app: condition(app, "Progressing")["reason"] == "Paused")
    assert app["status"]["updatedReplicas"] == 0
    await operated.write(replicas=2)
    await operated.until(is_complete)
    assert {pod["metadata"]["uid"] for pod in (await operated.pods()).values()} == old


async def test_a_pod_on_a_dead_node_is_made_anew_without_its_kubelet(
    operated: Operated, server: ApiServer
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    for number, is_reached in enumerate(("True", "Unknown")):
        node = f"node-{number}-{operated.namespace}"
        server.call("POST", "/api/v1/nodes", {"metadata": {"name": node}})
        ready = {"type": "Ready", "status": is_reached}
        status = {"status": {"conditions": [ready]}}
        server.call("PATCH", f"/api/v1/nodes/{node}/status", status)
        pod = f"/api/v1/namespaces/{operated.namespace}/pods/demo-{number}"
        target = {"kind": "Node", "name": node}
        binding = {"metadata": {"name": f"demo-{number}"}, "target": target}
        server.call("POST", f"{pod}/binding", binding)
    dead = (await operated.pods())["demo-1"]
    await operated.say(dead, {"conditions": [{"type": "Ready", "status": "False"}]})
    looks = 0
    while (await operated.pods()).get("demo-1", dead)["metadata"]["uid"] == dead["metadata"]["uid"]:
        await operated.renew(but="demo-1")
        await operated.look()
        looks += 1
        assert looks < 20
    assert looks > 4.0 / A_LOOK, "its Lease was waited for"
    events = await operated.api.list("v1", "Event", operated.namespace, {})
    (told,) = [one["message"] for one in events if one["reason"] == "PodReplaced"]
    assert told.startswith("demo-1 is made anew: node-1-")
    await operated.until(is_complete)


async def test_an_app_that_goes_takes_its_objects_along_without_the_operator(
    operated: Operated, server: ApiServer
) -> None:
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}}, web=HOST)
    await operated.until(is_complete)
    assert len(await operated.bodies()) > 10
    kubectl(server, "-n", operated.namespace, "delete", "iapp/demo", "--wait=true", "--timeout=5s")
    assert await operated.api.find(*APP_KIND, operated.namespace, "demo") is None
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while left := await operated.bodies():
        assert asyncio.get_running_loop().time() < deadline, sorted(left)
        await asyncio.sleep(0.1)


async def test_without_the_gateway_api_the_app_says_so_and_everything_else_is_done(
    operated: Operated, server: ApiServer
) -> None:
    gateway = {"parentRefs": [{"name": "public"}]}
    await operated.write(web={**HOST, "gateway": gateway})
    app = await operated.until(is_complete)
    assert condition(app, "Degraded")["reason"] == "KindMissing"
    assert "install the definitions of the Gateway API" in condition(app, "Degraded")["message"]
    assert ("Ingress", "demo") in await operated.objects()
    with gateway_api(server):
        app = await operated.until(lambda app: condition(app, "Degraded")["status"] == "False")
        route = ("HTTPRoute", "demo")
        assert route in await operated.objects()
        await operated.write(web=HOST)
        await operated.look()
        assert route not in await operated.objects()


async def test_monitors_that_come_later_are_made_and_restart_nothing(
    operated: Operated, server: ApiServer
) -> None:
    operated.restart(cluster=replace(CLUSTER, monitoring="annotations"))
    await operated.write(web=HOST)
    await operated.until(is_complete)
    before = (await operated.bodies())["StatefulSet", "demo"]["spec"]["template"]
    assert before["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    monitor = ("PodMonitor", "demo")
    with pod_monitors(server):
        operated.reconciler.cluster = replace(CLUSTER, monitoring="monitors")
        await operated.look()
        objects = await operated.bodies()
        assert monitor in objects
        assert objects["StatefulSet", "demo"]["spec"]["template"] == before
        operated.reconciler.cluster = CLUSTER
        await operated.look()
        assert monitor not in await operated.objects()
        operated.reconciler.cluster = replace(CLUSTER, monitoring="monitors")
    # Their definition has gone, and the operator has not noticed yet.
    await operated.look()
    app = await operated.until(is_complete)
    assert condition(app, "Degraded")["status"] == "False"


def gateway_api(server: ApiServer) -> AbstractContextManager[None]:
    """The definition of HTTPRoute, as far as the API server cares."""
    return _defined(server, "gateway.networking.k8s.io", "HTTPRoute", "httproutes")


def pod_monitors(server: ApiServer) -> AbstractContextManager[None]:
    """The definition of PodMonitor, likewise."""
    return _defined(server, "monitoring.coreos.com", "PodMonitor", "podmonitors")


@contextmanager
def _defined(server: ApiServer, group: str, kind: str, plural: str) -> Iterator[None]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }
    name = f"crd/{plural}.{group}"
    kubectl(server, "apply", "-f", "-", stdin=json.dumps(definition))
    try:
        kubectl(server, "wait", "--for=condition=Established", name)
        yield
    finally:
        kubectl(server, "delete", name)
