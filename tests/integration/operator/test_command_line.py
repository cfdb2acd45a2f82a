"""The commands for clusters, against a real API server and the operator beside it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, is_complete, kubectl

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def immutant(server: ApiServer, namespace: str) -> Command:
    """The command line, as an administrator of the cluster types it; by the options alone."""

    def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        where = ("--namespace", namespace, "--kubeconfig", str(server.kubeconfig()))
        return subprocess.run(
            [sys.executable, "-m", "immutant", *arguments, *where],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


async def test_apps_and_their_status_are_listed_for_people_and_for_programs(
    operated: Operated, immutant: Command
) -> None:
    await operated.write(replicas=2, web={"host": "demo.example.org"})
    await operated.until(is_complete)
    said = immutant("apps").stdout.splitlines()
    assert said[0].split() == ["NAME", "READY", "SOURCE", "URL", "AGE", "TROUBLE"]
    assert re.match(r"demo +2/2 +welcome +http://demo.example.org +\d+s +-", said[1])
    (listed,) = json.loads(immutant("apps", "-o", "json").stdout)
    assert (listed["name"], listed["ready"], listed["trouble"]) == ("demo", "2/2", "")
    assert immutant("apps", "-o", "yaml").stdout.startswith(f"- namespace: {operated.namespace}\n")
    assert immutant("url").stdout == "http://demo.example.org\n"
    status = immutant("status", "demo").stdout
    assert "demo-0" in status
    assert re.search(r"GridSafe +True +AllSafe", status)
    whole = json.loads(immutant("status", "demo", "-o", "json").stdout)
    assert [one["name"] for one in whole["gears"]] == ["demo-0", "demo-1"]


async def test_gears_tell_where_each_pod_is_and_what_it_is_about(
    operated: Operated, immutant: Command
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    pod = (await operated.pods())["demo-1"]
    waiting = {
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "name": "app",
        "restartCount": 3,
    }
    status = {"phase": "Running", "conditions": [], "containerStatuses": [waiting]}
    await operated.say(pod, status)
    gears = json.loads(immutant("gears", "demo", "-o", "json").stdout)
    assert [(one["state"], one["ready"], one["restarts"]) for one in gears] == [
        ("running", True, 0),
        ("CrashLoopBackOff", False, 3),
    ]
    said = immutant("doctor", "demo")
    assert said.returncode == 1
    assert "✗ demo-1: CrashLoopBackOff; see immutant logs demo --pod demo-1" in said.stdout


async def test_scale_changes_the_app_and_names_what_was(
    operated: Operated, immutant: Command
) -> None:
    await operated.write(replicas=1)
    said = immutant("scale", "demo", "3")
    assert said.stdout.startswith("demo: 3 replicas, formerly 1")
    assert (await operated.look())["spec"]["replicas"] == 3
    assert immutant("scale", "demo", "many").returncode == 2


async def test_the_only_app_need_not_be_named_and_of_several_one_has_to_be(
    operated: Operated, immutant: Command
) -> None:
    none = immutant("status")
    assert none.returncode == 1
    assert "make one there (immutant create NAME)" in none.stderr
    await operated.write()
    assert immutant("status").returncode == 0
    operated.name = "shop"
    await operated.write()
    assert "name one of demo, shop" in immutant("status").stderr
    assert "there is no app web in namespace" in immutant("status", "web").stderr


def test_what_is_missing_is_told_with_its_remedy(
    server: ApiServer, namespace: str, immutant: Command
) -> None:
    assert "there is no pod demo-7" in immutant("stop", "demo-7").stderr
    assert immutant("apps", "--context", "elsewhere").returncode == 2
    kubectl(server, "--namespace", namespace, "create", "serviceaccount", "default")
    kubectl(server, "--namespace", namespace, "run", "other", "--image=other:1")
    assert "the pod other is none of an app's" in immutant("start", "other").stderr


async def test_the_last_pod_is_not_stopped_by_mistake(
    operated: Operated, immutant: Command
) -> None:
    await operated.write(replicas=1)
    await operated.until(is_complete)
    said = immutant("stop", "demo-0")
    assert said.returncode == 1
    assert "immutant scale demo 2" in said.stderr
    noted = (await operated.pods())["demo-0"]["metadata"].get("annotations") or {}
    assert "immutant.org/stopped" not in noted
