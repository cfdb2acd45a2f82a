"""What a new operator leaves alone, and when what it makes otherwise comes."""

from collections.abc import Iterator
from typing import Any

from tests.integration.operator.harness import Operated, condition, is_complete

from immutant_operator.builders import Cluster
from immutant_operator.images import Images
from immutant_operator.objects import Json

NEWER = Cluster(Images("runtime:2", "member:2", "router:2"), version="2")
COLOUR = [{"name": "COLOUR", "value": "blue"}]


def images(pods: dict[str, Json]) -> set[str]:
    return {one["image"] for pod in pods.values() for one in pod["spec"]["initContainers"]}


async def template(operated: Operated, kind: str, name: str) -> Json:
    found = await operated.api.get("apps/v1", kind, operated.namespace, name)
    read: Json = found["spec"]["template"]
    return read


async def test_pods_and_routers_stay_until_the_apps_next_rollout(operated: Operated) -> None:
    await operated.write(replicas=2)
    app = await operated.until(is_complete)
    assert app["status"]["runtimeVersion"] == "1"
    old = {pod["metadata"]["uid"] for pod in (await operated.pods()).values()}
    before = {kind: await template(operated, kind, name) for kind, name in MADE}

    operated.restart(cluster=NEWER)
    app = await operated.until(lambda app: "otherwise" in condition(app, "Progressing")["message"])
    assert is_complete(app)
    assert app["status"]["runtimeVersion"] == "1"
    at_rest = await operated.objects()
    await operated.look()
    assert await operated.objects() == at_rest
    assert {kind: await template(operated, kind, name) for kind, name in MADE} == before
    assert {pod["metadata"]["uid"] for pod in (await operated.pods()).values()} == old

    await operated.write(replicas=3)
    await operated.until(lambda app: is_complete(app) and app["status"]["replicas"] == 3)
    pods = await operated.pods()
    assert images(pods) == {"runtime:1", "member:1"}, "a pod that comes is as the others are"
    assert old < {pod["metadata"]["uid"] for pod in pods.values()}

    await operated.write(replicas=3, env=COLOUR)
    app = await operated.until(is_complete)
    assert images(await operated.pods()) == {"runtime:2", "member:2"}
    assert app["status"]["runtimeVersion"] == "2"
    assert "otherwise" not in condition(app, "Progressing")["message"]
    router = await template(operated, "Deployment", "demo-router")
    assert router["spec"]["containers"][0]["image"] == "router:2"


MADE = (("StatefulSet", "demo"), ("Deployment", "demo-router"))


async def test_a_hand_that_changes_what_waits_is_put_right_with_what_was_kept(
    operated: Operated,
) -> None:
    await operated.write()
    await operated.until(is_complete)
    operated.restart(cluster=NEWER)
    await operated.look()
    found = await operated.api.get("apps/v1", "StatefulSet", operated.namespace, "demo")
    found["spec"]["template"]["spec"]["containers"][0]["image"] = "another:1"
    await operated.api.replace(found)
    await operated.look()
    mended = await template(operated, "StatefulSet", "demo")
    assert mended["spec"]["containers"][0]["image"] == "runtime:1"


async def test_without_its_blueprint_an_app_is_taken_as_it_is(operated: Operated) -> None:
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}}, env=COLOUR)
    await operated.until(is_complete)
    before = {kind: await template(operated, kind, name) for kind, name in MADE}
    for one in await blueprints(operated):
        await operated.api.delete(one)
    operated.restart(cluster=NEWER)
    app = await operated.look()
    assert {kind: await template(operated, kind, name) for kind, name in MADE} == before
    assert len(await blueprints(operated)) == 1
    await operated.source("two")
    app = await operated.until(is_complete)
    assert images(await operated.pods()) == {"runtime:2", "member:2"}
    assert app["status"]["runtimeVersion"] == "2"
    assert len(await blueprints(operated)) == 1, "the former one is gone"


async def test_a_blueprint_that_was_removed_unseen_is_made_again_as_the_pods_are(
    operated: Operated,
) -> None:
    await operated.write()
    await operated.until(is_complete)
    operated.restart(cluster=NEWER)
    await operated.until(is_complete)
    await operated.look()
    for one in await blueprints(operated):
        await operated.api.delete(one)  # the watch hangs
    service = await operated.api.get("v1", "Service", operated.namespace, "demo-web")
    await operated.api.delete(service)
    operated.store.lost(service)  # this one does not, and there is something to do
    await operated.reconciler.reconcile(operated.key)
    assert len(await blueprints(operated)) == 1
    kept = await template(operated, "StatefulSet", "demo")
    assert kept["spec"]["containers"][0]["image"] == "runtime:1"


async def test_what_the_statefulsets_controller_keeps_is_not_in_view(operated: Operated) -> None:
    await operated.write()
    await operated.until(is_complete)
    await operated.look()
    all_kept = await operated.api.list(*REVISION, operated.namespace, {"immutant.org/app": "demo"})
    of_statefulset = {one["metadata"]["name"] for one in all_kept} - {
        one["metadata"]["name"] for one in await blueprints(operated)
    }
    assert of_statefulset, "they have the labels of the pods"
    in_view = {name for kind, name in operated.store.inventory(operated.key) if kind == REVISION[1]}
    assert len(in_view) == 1
    assert not in_view & of_statefulset


REVISION = ("apps/v1", "ControllerRevision")


async def blueprints(operated: Operated) -> list[Json]:
    labels = {"immutant.org/app": "demo"}
    found = await operated.api.list(*REVISION, operated.namespace, labels)
    return [one for one in found if "-blueprint-" in one["metadata"]["name"]]


async def test_images_that_are_not_there_are_mended_by_the_operator_alone(
    operated: Operated,
) -> None:
    await operated.write(replicas=2)
    await operated.until(lambda app: app["status"]["replicas"] == 2, ready=False)
    for name, pod in (await operated.pods()).items():
        await operated.say(pod, {"initContainerStatuses": list(_without_image(name))})
    operated.restart(cluster=NEWER)
    await operated.until(is_complete)
    assert images(await operated.pods()) == {"runtime:2", "member:2"}


def _without_image(name: str) -> Iterator[dict[str, Any]]:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": f"none for {name}"}}
    status = {"name": "member", "image": "member:1", "imageID": "", "ready": False}
    yield {**status, "restartCount": 0, "state": waiting}


async def test_a_rollout_that_was_begun_ends_with_the_pods_that_it_began_with(
    operated: Operated,
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    old = {pod["metadata"]["uid"] for pod in (await operated.pods()).values()}
    await operated.write(replicas=2, env=COLOUR)
    await operated.until(lambda app: app["status"]["updatedReplicas"] == 1)
    operated.restart(cluster=NEWER)
    await operated.until(is_complete)
    pods = await operated.pods()
    assert not old & {pod["metadata"]["uid"] for pod in pods.values()}
    assert images(pods) == {"runtime:1", "member:1"}


async def test_what_another_version_made_and_no_right_deletes_stands_in_no_ones_way(
    operated: Operated,
) -> None:
    await operated.write()
    await operated.look()
    there = {"namespace": operated.namespace}
    role = await operated.api.get(*ROLE, operated.namespace, "immutant-app-demo")
    kept = {key: role["metadata"][key] for key in ("labels", "ownerReferences")}
    more = {"name": "demo-more", **there, **kept}
    await operated.api.create({"apiVersion": ROLE[0], "kind": ROLE[1], "metadata": more})
    await operated.until(is_complete)
    assert await operated.api.find(*ROLE, operated.namespace, "demo-more")


ROLE = ("rbac.authorization.k8s.io/v1", "Role")


async def test_the_digest_of_an_environment_is_the_same_for_ever(operated: Operated) -> None:
    # Another digest for the same content would make each app's pods anew with a new operator.
    await operated.source("one")
    await operated.write(envFrom=[{"configMapRef": {"name": "demo-source"}}])
    await operated.look()
    annotations = (await template(operated, "StatefulSet", "demo"))["metadata"]["annotations"]
    assert annotations == {"immutant.org/inputs": "74e9e2e11a21140d"}
