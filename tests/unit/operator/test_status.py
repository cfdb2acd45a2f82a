"""What users are told, from what kubelets say of pods."""

import re
from typing import Any

import pytest
from tests.documents import ROOT
from tests.unit.operator.apps import app
from tests.unit.operator.fleets import ages, lease, safe
from tests.unit.operator.leases import member, singleton

from immutant_operator.grid import Grid
from immutant_operator.observed import Fleet, Pod, Scale
from immutant_operator.rollout import Step, next_step
from immutant_operator.roster import Roster
from immutant_operator.spec.state import AppStatus
from immutant_operator.status import Finding, compose, degraded, unreadable

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
    return Fleet.of(Scale.read(statefulset(len(pods))), map(Pod.read, pods))


def conditions(there: Fleet, former: Any = None, **spec: Any) -> dict[str, Any]:
    grid = safe(there)
    finding = Finding(there, next_step(spec.get("replicas", 1), there, grid), grid=grid)
    status = compose(app(**spec), finding, former or {}, NOW)
    return {one["type"]: one for one in status["conditions"]}


def test_an_app_whose_pods_are_ready_is_ready_complete_and_without_trouble() -> None:
    found = conditions(fleet(pod(0, ready=True), pod(1, ready=True)), replicas=2)
    assert {kind: one["status"] for kind, one in found.items()} == {
        "Ready": "True",
        "Progressing": "False",
        "Degraded": "False",
        "GridSafe": "True",
        "DataAtRisk": "False",
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
    found = {one["type"]: one.get("reason") for one in status["conditions"]}
    assert found == {"Ready": None, "Progressing": "Stopped", "Degraded": "InvalidSpec"}
    assert status["observedGeneration"] == 4


def test_a_change_that_the_controller_has_not_seen_has_no_revision_yet() -> None:
    assert Scale.read(statefulset(1, seen=0)).revision == ""


def risk(there: Fleet, former: str = "", grid: Grid | None = None, **spec: Any) -> Any:
    before = {"conditions": [{"type": "DataAtRisk", "status": "?", "reason": former}]}
    finding = Finding(there, None, grid=grid or safe(there))
    status = compose(app(**spec), finding, before if former else {}, NOW)
    (found,) = [one for one in status["conditions"] if one["type"] == "DataAtRisk"]
    return found["status"], found["reason"]


def test_data_is_at_risk_where_the_next_loss_costs_some_and_where_all_is_gone() -> None:
    two = fleet(pod(0, ready=True), pod(1, ready=True))
    one = fleet(pod(0, ready=True))
    none = fleet(pod(0), pod(1))
    assert risk(two, replicas=2) == ("False", "AllCopies")
    assert risk(one, replicas=1) == ("True", "TooFewPods")
    assert risk(one, replicas=2) == ("True", "CopiesMissing")
    assert risk(two, replicas=2, cache={"owners": 1}) == ("True", "OneOwner")
    assert risk(fleet(), replicas=0) == ("True", "ScaledToZero")
    nobody = Grid(none.pods)
    assert risk(none, grid=nobody, replicas=2) == ("False", "NoData")
    assert risk(none, "ScaledToZero", nobody, replicas=2) == ("False", "NoData")
    assert risk(none, "AllCopies", nobody, replicas=2) == ("True", "NoPodHasData")
    assert risk(none, "NoPodHasData", nobody, replicas=2) == ("True", "NoPodHasData")
    leases = {pod.uid: lease(pod, 2, safe=False) for pod in two.pods}
    copying = Grid(two.pods, leases, ages(two.pods))
    assert risk(two, "AllCopies", copying, replicas=2) == ("True", "CopiesMissing")


def test_each_pod_has_a_row() -> None:
    there = fleet(pod(0, ready=True), pod(1))
    leases = [member(0), singleton("demo.daemon.counter", 0), singleton("demo.job.ajob", 0)]
    roster = Roster.read("demo", "uid-1", leases)
    drains = lease(there.pods[1], 0, draining=True)
    grid = Grid(
        there.pods,
        {"uid-0": lease(there.pods[0], 2), "uid-1": drains},
        ages(there.pods),
    )
    status = compose(app(), Finding(there, None, None, roster, grid), {}, NOW)
    common = {"updated": True}
    assert status["pods"] == [
        {"name": "demo-0", "ready": True, "member": True, "singletons": 2, **common},
        {
            "name": "demo-1",
            "ready": False,
            "member": False,
            "singletons": 0,
            **common,
            "drain": "draining",
        },
    ]
    AppStatus.model_validate(status)


MOVING = Step((), True, "RollingOut", "waiting for demo-1 to be ready")


def after(former: Any, there: Fleet, now: str, step: Step | None = MOVING, **spec: Any) -> Any:
    return compose(app(**spec), Finding(there, step, grid=safe(there)), former, now)


def reasons(status: Any) -> dict[str, str]:
    return {one["type"]: one["reason"] for one in status["conditions"]}


def test_a_rollout_that_stands_still_is_told_after_its_deadline_and_again_when_it_goes_on() -> None:
    there, late = fleet(pod(0, ready=True), pod(1)), "2030-01-02T00:10:01Z"
    first = after({}, there, NOW)
    assert reasons(first)["Progressing"] == "RollingOut"
    assert first["progressedAt"] == NOW
    assert reasons(after(first, there, "2030-01-02T00:10:00Z"))["Progressing"] == "RollingOut"
    stalled = after(first, there, late)
    assert reasons(stalled)["Progressing"] == "RolloutStalled"
    assert reasons(stalled)["Degraded"] == "RolloutStalled"
    (said,) = [one["message"] for one in stalled["conditions"] if one["type"] == "Degraded"]
    assert said == "nothing has come further for 600 s: waiting for demo-1 to be ready"
    soon = after(first, there, late, rollout={"progressDeadline": "3600s"})
    assert reasons(soon)["Progressing"] == "RollingOut"
    assert reasons(after(stalled, fleet(pod(0)), late))["Progressing"] == "RollingOut"


DONE = Step((), False, "Complete", "2 of 2 pods run the current version")
REST = "2030-01-02T01:00:00Z"
"""An hour later."""


def test_time_at_rest_is_no_time_in_which_nothing_came_further() -> None:
    both = fleet(pod(0, ready=True), pod(1, ready=True))
    done = after(after({}, both, NOW), both, NOW, DONE)
    assert after(done, both, REST, DONE)["progressedAt"] == NOW, "at rest nothing is written"
    unseen = Fleet.of(Scale.read(statefulset(2, seen=0)), both.pods)
    starts = next_step(2, unseen, safe(unseen))
    for moved in (
        after(done, unseen, REST, starts),  # a change, which the controller has not seen
        after(done, fleet(pod(0, ready=True), pod(1)), REST),  # a pod that is not ready any more
        after(after(done, both, NOW, None), both, REST),  # what kept it was mended
    ):
        assert (moved["progressedAt"], reasons(moved)["Degraded"]) == (REST, "AsExpected")
        late = after(moved, both, "2030-01-02T01:10:01Z")
        assert reasons(late)["Progressing"] == "RolloutStalled"


def test_what_the_failing_pod_says_comes_before_the_stall_and_no_pause_is_a_stall() -> None:
    broken = pod(1, container={"state": {"waiting": {"reason": "ErrImagePull"}}})
    there, late = fleet(pod(0, ready=True), broken), "2030-01-02T00:10:01Z"
    first = after({}, there, NOW)
    found = reasons(after(first, there, late))
    assert (found["Degraded"], found["Progressing"]) == ("ImagePullFailed", "RolloutStalled")
    resting = Step((), False, "Paused", "paused")
    assert reasons(after(first, there, late, resting))["Progressing"] == "Paused"


def test_what_is_in_the_way_of_the_current_version_is_told_before_all_else() -> None:
    def reason(step: Step | None, problem: tuple[str, str] | None, *pods: Any) -> str:
        return degraded(Finding(fleet(*pods), step, problem))[1]

    crash = {"state": {"terminated": {"exitCode": 1}}}
    no_image = {"state": {"waiting": {"reason": "ErrImagePull"}}}
    former = pod(0, labels={"controller-revision-hash": "old"}, container=no_image)
    new, missing = pod(1, container=crash), ("KindMissing", "there are no HTTPRoutes")
    assert reason(MOVING, missing, former, new) == "CrashLooping"
    assert reason(MOVING, None, former, new) == "CrashLooping"
    assert reason(None, ("SourceMissing", "no source"), former, new) == "SourceMissing"
    assert reason(MOVING, missing, former, pod(1)) == "KindMissing"
    assert reason(MOVING, None, former, pod(1)) == "ImagePullFailed"


def test_versions_are_told_from_where_to_where_and_kept_while_none_is_known() -> None:
    old = pod(0, ready=True, labels={"controller-revision-hash": "old"})
    status = after({}, fleet(old, pod(1, ready=True)), NOW)
    told = {key: status[key] for key in ("currentRevision", "updateRevision", "updatedReplicas")}
    assert told == {"currentRevision": "old", "updateRevision": "new", "updatedReplicas": 1}
    unseen = Fleet.of(Scale.read(statefulset(2, seen=0)), map(Pod.read, (old, pod(1))))
    assert after(status, unseen, NOW)["updateRevision"] == "new"
    done = after(status, fleet(pod(0, ready=True), pod(1, ready=True)), NOW)
    assert (done["currentRevision"], done["updatedReplicas"]) == ("new", 2)


def test_every_reason_is_explained_to_users() -> None:
    folder = ROOT / "operator" / "src" / "immutant_operator"
    modules = ("errors", "grid", "observed", "risk", "rollout", "status")
    said = {
        reason
        for module in modules
        for reason in re.findall(
            r'(?:Verdict|_no|Trouble|Step)\((?:\(\), \w+, |"\w+", )?"(\w+)"'
            r'|return "\w+", "(\w+)"|reason = "(\w+)"',
            (folder / f"{module}.py").read_text(),
        )
        for reason in reason
        if reason not in ("", "True", "False")
    }
    assert said >= {"AllSafe", "ViewsDiffer", "Paused", "NoPodHasData", "CrashLooping", "NameTaken"}
    told = (ROOT / "docs" / "cluster.md").read_text()
    assert sorted(one for one in said if f"`{one}`" not in told) == []


def test_where_an_image_is_gone_it_is_said_that_a_rollout_brings_another() -> None:
    gone = pod(1, container={"state": {"waiting": {"reason": "ImagePullBackOff"}}})
    failed = pod(1, container={"state": {"terminated": {"exitCode": 1}}})

    def said(body: Any, *, newer: bool) -> str:
        there = fleet(pod(0, ready=True), body)
        finding = Finding(there, next_step(2, there, safe(there)), newer=newer)
        status = compose(app(replicas=2), finding, {}, NOW)
        (found,) = [one for one in status["conditions"] if one["type"] == "Degraded"]
        return str(found["message"])

    assert "comes with the app's next rollout" in said(gone, newer=True)
    assert "rollout" not in said(gone, newer=False)
    assert "rollout" not in said(failed, newer=True)
