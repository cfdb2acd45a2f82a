"""What users are told, from what kubelets say of pods."""

from typing import Any

import pytest
from tests.unit.operator.apps import app

from immutant_operator.observed import Fleet, Pod
from immutant_operator.rollout import next_step
from immutant_operator.status import Finding, compose, unreadable

NOW, THEN = "2030-01-02T00:00:00Z", "2030-01-01T00:00:00Z"


def pod(number: int = 0, *, ready: bool = False, container: Any = None, **extra: Any) -> Any:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status: dict[str, Any] = {"conditions": conditions}
    if container is not None:
        status["containerStatuses"] = [
            {"name": "app", "image": "mine:1", "ready": False, **container}
        ]
    labels = {"controller-revision-hash": "new"}
    metadata = {"name": f"demo-{number}", "uid": f"uid-{number}", "labels": labels}
    return {"metadata": {**metadata, **extra}, "status": status}


def statefulset(replicas: int, *, seen: int = 1) -> Any:
    status = {"observedGeneration": seen, "updateRevision": "new"}
    return {"metadata": {"generation": 1}, "spec": {"replicas": replicas}, "status": status}


def fleet(*pods: Any) -> Fleet:
    return Fleet.read(statefulset(len(pods)), pods)


def conditions(there: Fleet, former: Any = None, **spec: Any) -> dict[str, Any]:
    finding = Finding(there, next_step(spec.get("replicas", 1), there))
    status = compose(app(**spec), finding, former or {}, NOW)
    return {one["type"]: one for one in status["conditions"]}


def test_an_app_whose_pods_are_ready_is_ready_complete_and_without_trouble() -> None:
    found = conditions(fleet(pod(0, ready=True), pod(1, ready=True)), replicas=2)
    assert {kind: one["status"] for kind, one in found.items()} == {
        "Ready": "True",
        "Progressing": "False",
        "Degraded": "False",
    }
    assert found["Ready"]["message"] == "2 of 2 pods are ready"
    assert found["Ready"]["observedGeneration"] == 3


def test_counts_selector_and_url_are_what_kubectl_and_autoscalers_need() -> None:
    there = fleet(pod(0, ready=True), pod(1))
    status = compose(app(replicas=2), Finding(there, None), {}, NOW)
    assert (status["replicas"], status["readyReplicas"], status["ready"]) == (2, 1, "1/2")
    assert status["selector"] == "immutant.org/app=demo,app.kubernetes.io/component=app"
    assert status["url"] == "http://demo.apps"


def test_a_pod_that_is_leaving_is_not_ready() -> None:
    assert not Pod.read(pod(ready=True, deletionTimestamp=NOW)).ready


@pytest.mark.parametrize(
    ("container", "reason", "sentence"),
    [
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such\nimage"}}},
            "ImagePullFailed",
            "demo-0, container app: image mine:1: no such / image",
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 2, "message": "there is no module app\n"}},
            },
            "CrashLooping",
            "demo-0, container app ended with status 2: there is no module app",
        ),
        (
            {"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1}}},
            "CrashLooping",
            "it left no message; see kubectl logs --previous",
        ),
        (
            {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
            "OutOfMemory",
            "took more memory than its limit allows",
        ),
        (
            {"state": {"waiting": {"reason": "CreateContainerConfigError", "message": "no key"}}},
            "ContainerFailed",
            "no key",
        ),
    ],
)
def test_what_a_container_died_of_is_the_apps_trouble(
    container: Any, reason: str, sentence: str
) -> None:
    degraded = conditions(fleet(pod(container=container)))["Degraded"]
    assert (degraded["status"], degraded["reason"]) == ("True", reason)
    assert sentence in degraded["message"]


def test_a_pod_that_fits_on_no_node_is_trouble() -> None:
    waiting = pod()
    waiting["status"]["conditions"].append(
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
    )
    assert conditions(fleet(waiting))["Degraded"]["message"] == "demo-0: no cpu"


def test_a_container_that_starts_is_no_trouble() -> None:
    coming = pod(container={"state": {"waiting": {"reason": "PodInitializing"}}})
    assert conditions(fleet(coming))["Degraded"]["status"] == "False"


def test_a_condition_keeps_its_time_until_it_changes() -> None:
    there = fleet(pod(ready=True))
    former = {
        "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": THEN},
            {"type": "Degraded", "status": "True", "lastTransitionTime": THEN},
        ]
    }
    found = conditions(there, former)
    assert found["Ready"]["lastTransitionTime"] == THEN
    assert found["Degraded"]["lastTransitionTime"] == NOW


def test_what_a_user_has_to_mend_comes_before_what_pods_say() -> None:
    broken = fleet(pod(container={"state": {"waiting": {"reason": "ErrImagePull"}}}))
    finding = Finding(broken, None, ("SourceMissing", "there is no ConfigMap"))
    found = {one["type"]: one for one in compose(app(), finding, {}, NOW)["conditions"]}
    assert found["Degraded"]["reason"] == "SourceMissing"
    assert found["Progressing"]["reason"] == "Stopped"


def test_a_spec_that_cannot_be_read_leaves_the_rest_of_the_status() -> None:
    former = {"ready": "1/1", "conditions": [{"type": "Ready", "status": "True"}]}
    status = unreadable(4, ("InvalidSpec", "no"), former, NOW)
    assert status["ready"] == "1/1"
    assert [one["type"] for one in status["conditions"]] == ["Ready", "Degraded"]
    assert status["observedGeneration"] == 4


def test_a_change_that_the_controller_has_not_seen_has_no_revision_yet() -> None:
    assert Fleet.read(statefulset(1, seen=0), [pod()]).revision == ""
