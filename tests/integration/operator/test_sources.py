"""Sources that pods fetch themselves, against a real API server."""

import base64
from typing import Any

from tests.integration.operator.harness import CLUSTER, Operated, condition, is_complete

from immutant.contract import names
from immutant_operator.api import APP_KIND
from immutant_operator.objects import Json


async def push(operated: Operated, sha: str, *, parts: int = 2) -> dict[str, Any]:
    """Make the parts of an archive, as the client makes them; what the spec says of it."""
    app = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
    made = [f"{operated.name}-{sha[:10]}-{number}" for number in range(parts)]
    owner = {
        "apiVersion": APP_KIND[0],
        "kind": APP_KIND[1],
        "name": operated.name,
        "uid": app["metadata"]["uid"],
    }
    for name in made:
        labels = {names.APP_LABEL: operated.name, names.SOURCE_LABEL: sha[:10]}
        metadata = {"name": name, "namespace": operated.namespace, "labels": labels}
        body: Json = {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True}
        body["metadata"] = {**metadata, "ownerReferences": [owner]}
        body["binaryData"] = {"part": base64.b64encode(sha.encode()).decode()}
        await operated.api.create(body)
    return {"archive": {"configMaps": made, "sha256": sha, "revision": f"commit-{sha[:4]}"}}


async def parts(operated: Operated) -> set[str]:
    label = {names.APP_LABEL: operated.name}
    found = await operated.api.list("v1", "ConfigMap", operated.namespace, label)
    return {
        one["metadata"]["name"] for one in found if names.SOURCE_LABEL in one["metadata"]["labels"]
    }


def first_steps(pod: Json) -> list[str]:
    return [one["name"] for one in pod["spec"]["initContainers"]]


async def test_a_push_is_a_rollout_and_the_parts_stay_their_makers(operated: Operated) -> None:
    await operated.write()
    await operated.until(is_complete)
    first = await push(operated, "ab" * 32)
    await operated.write(source=first)
    app = await operated.until(is_complete)
    assert app["status"]["source"] == {
        "kind": "archive",
        "revision": "commit-abab",
        "short": "commit-abab",
    }
    before = await operated.pods()
    assert [first_steps(pod)[:2] for pod in before.values()] == [["source", "packages"]]
    await operated.write(source=await push(operated, "cd" * 32))
    app = await operated.until(lambda app: is_complete(app) and "commit-cdcd" in str(app["status"]))
    after = await operated.pods()
    assert {pod["metadata"]["uid"] for pod in before.values()}.isdisjoint(
        pod["metadata"]["uid"] for pod in after.values()
    )
    assert len(await parts(operated)) == 4, "former revisions are for a rollback"
    await operated.look()
    assert len(await parts(operated)) == 4


async def test_parts_that_are_missing_are_named_and_the_running_version_goes_on(
    operated: Operated,
) -> None:
    await operated.write()
    await operated.write(source=await push(operated, "ab" * 32))
    await operated.until(is_complete)
    before = await operated.pods()
    lost = {"archive": {"configMaps": ["gone-0", "gone-1"], "sha256": "ef" * 32}}
    await operated.write(source=lost)
    app = await operated.look()
    said = condition(app, "Degraded")
    assert (said["status"], said["reason"]) == ("True", "SourceMissing")
    assert (
        "no ConfigMap gone-0, gone-1 with the label immutant.org/source=efefefefef"
        in (said["message"])
    )
    assert app["status"]["source"]["revision"] == "commit-abab"
    assert await operated.pods() == before


async def test_what_the_first_containers_say_is_in_the_condition(operated: Operated) -> None:
    await operated.write()
    await operated.write(source=await push(operated, "ab" * 32))
    await operated.look()
    pods = await operated.until(lambda app: app["status"]["replicas"] == 1, ready=False)
    (pod,) = (await operated.pods()).values()
    ended = {"exitCode": 78, "message": "requirements.txt cannot be installed: mend it"}
    step = {"name": "packages", "ready": False, "restartCount": 1, "image": "x", "imageID": "x"}
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    status = {**step, **waiting, "lastState": {"terminated": ended}}
    await operated.say(pod, {"phase": "Pending", "initContainerStatuses": [status]})
    pods = await operated.look()
    said = condition(pods, "Degraded")
    assert said["reason"] == "SourceFailed"
    assert (
        "demo-0, container packages ended with status 78: requirements.txt cannot"
        in (said["message"])
    )


async def test_a_new_operator_leaves_such_pods_as_they_are(operated: Operated) -> None:
    await operated.write()
    await operated.write(source=await push(operated, "ab" * 32))
    await operated.until(is_complete)
    before = await operated.objects()
    operated.restart(cluster=CLUSTER)
    await operated.look()
    await operated.look()
    assert await operated.objects() == before
