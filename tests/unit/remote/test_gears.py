"""What is told of each pod; kubectl is a stand-in that prints a file."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.standins import kubectl

from immutant.cli import views
from immutant.remote.apps import App
from immutant.remote.doctor import examine
from immutant.remote.gears import Gear, gears
from immutant.remote.kubectl import Kubectl

KUBECTL = """
import pathlib, sys
if "pods" in sys.argv:
    print((pathlib.Path({world!r}) / "pods.json").read_text())
elif "immutantapps.immutant.org" in sys.argv:
    print((pathlib.Path({world!r}) / "app.json").read_text())
elif sys.argv[-1] != "/readyz":
    sys.exit("it is not asked here")
"""
BODY = {
    "metadata": {"name": "demo", "namespace": "apps", "uid": "1", "resourceVersion": "1"},
    "status": {"pods": [{"name": "demo-0", "ready": True, "updated": True, "member": True}]},
}
WAITS = {"name": "app", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}


def ended(status: int, message: str = "", **more: str) -> dict[str, Any]:
    return {"terminated": {"exitCode": status, "message": message, **more}}


def step(state: dict[str, Any], last: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": "packages", "ready": False, "state": state, "lastState": last or {}}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = kubectl(tmp_path, KUBECTL.format(world=str(tmp_path)))
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    (tmp_path / "app.json").write_text(json.dumps(BODY))
    return tmp_path


def gear(
    world: Path,
    *,
    steps: list[Any] = [],  # noqa: B006 - it is only read
    app: dict[str, Any] = WAITS,
    ready: bool = False,
    notes: dict[str, str] | None = None,
) -> Gear:
    status = {
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "initContainerStatuses": steps,
        "containerStatuses": [app],
    }
    metadata = {"name": "demo-0", "annotations": notes or {}}
    pod = {"metadata": metadata, "spec": {"nodeName": "one"}, "status": status}
    (world / "pods.json").write_text(json.dumps({"items": [pod]}))
    (found,) = gears(Kubectl(), App.read(BODY))
    return found


def test_a_step_before_the_application_that_failed_is_told_with_its_last_words(
    world: Path,
) -> None:
    failed = ended(1, "Collecting nope\nno package nope==1 is known\n")
    found = gear(world, steps=[step(failed)])
    assert (found.state, found.ready) == ("failed", False)
    assert (found.failing, found.trouble) == ("packages", "no package nope==1 is known")
    again = gear(world, steps=[step({"running": {}}, failed)])
    assert (again.state, again.failing) == ("starting", "packages")
    waits = gear(world, steps=[step({"waiting": {"reason": "CrashLoopBackOff"}}, failed)])
    assert (waits.state, waits.failing) == ("CrashLoopBackOff", "packages")


def test_a_step_that_has_come_to_its_end_is_no_trouble(world: Path) -> None:
    done = step(ended(0, reason="Completed"), ended(1, "the index does not answer")) | {
        "ready": True
    }
    found = gear(world, steps=[done])
    assert (found.state, found.failing, found.trouble) == ("starting", "", "")


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ended(137, reason="OOMKilled"), "it took more memory than its limit allows"),
        (ended(3), "it ended with status 3"),
    ],
)
def test_a_container_without_last_words_is_told_by_how_it_ended(
    world: Path, failure: dict[str, Any], told: str
) -> None:
    found = gear(world, app=WAITS | {"state": failure})
    assert (found.state, found.failing, found.trouble) == ("failed", "app", told)


def test_a_stopped_pod_is_not_ready_though_the_kubelet_has_not_noticed_yet(world: Path) -> None:
    notes = {"immutant.org/stopped": "2026-08-01T08:00:00Z"}
    runs = {"name": "app", "ready": True, "state": {"running": {}}}
    found = gear(world, app=runs, ready=True, notes=notes)
    assert (found.state, found.ready) == ("stopped", False)
    assert gear(world, app=runs, ready=True).ready


def test_the_table_has_a_column_about_failures_where_there_are_some(world: Path) -> None:
    whole = gear(world, app={"name": "app", "ready": True, "state": {"running": {}}}, ready=True)
    failed = gear(world, steps=[step(ended(1, "[no] " + "x" * 100))])
    assert views.gear_table([whole])[0][-1] == "RESTARTS"
    columns, rows = views.gear_table([whole, failed])
    assert columns[-1] == "TROUBLE"
    assert rows[0][-1] == "-"
    assert rows[1][-1].startswith("packages: \\[no] xxx")
    assert rows[1][-1].endswith("x…")


def test_the_doctor_calls_an_app_without_pods_neither_ready_nor_at_risk(world: Path) -> None:
    conditions = [
        {"type": kind, "status": "True", "reason": "ScaledToZero", "message": "x"}
        for kind in ("Ready", "DataAtRisk")
    ]
    status = {"ready": "0/0", "observedGeneration": 1, "conditions": conditions}
    body = {**BODY, "spec": {"replicas": 0}, "status": status}
    (world / "app.json").write_text(json.dumps(body))
    found = [one.sentence for one in examine(Kubectl(), "demo") if "demo" in one.sentence]
    assert found == ["demo is scaled to 0, and has no data: immutant scale demo 2"]


def test_the_doctor_names_the_log_that_says_more(world: Path) -> None:
    gear(world, steps=[step(ended(1, "no package nope==1 is known"))])
    found = [one.sentence for one in examine(Kubectl(), "demo")]
    assert (
        "demo-0: failed, packages: no package nope==1 is known; "
        "see immutant logs demo --pod demo-0 -c packages"
    ) in found
