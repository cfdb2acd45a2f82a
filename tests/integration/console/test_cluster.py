"""The commands on an application in a cluster, as far as that can be had without one.

kubectl is a stand-in; what answers is a real console, in this process.
"""

import asyncio
import json
import os
import subprocess
import sys
import types
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from immutant import App, testing
from immutant.clock import SystemClock
from immutant.console.prompt import names_of
from immutant.console.server import Console

app = App("shop")
orders = app.queue("orders")
plain = app.cache("plain")
STAND_IN = Path(__file__).parent / "kubectl.py"


def pod(name: str, *, ready: bool = True, phase: str = "Running") -> dict[str, Any]:
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    return {
        "metadata": {"name": name, "labels": {"immutant.org/app": "shop"}},
        "spec": {"initContainers": [{"name": "runtime"}], "containers": [{"name": "app"}]},
        "status": {"phase": phase, "podIP": "10.0.0.7", "conditions": [condition]},
    }


class World:
    """A folder that stands for a cluster, and a terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "bin" / "kubectl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
        program.chmod(0o755)
        self.tell(apps=["shop"], pods=[pod("shop-0")])

    def tell(
        self, *, apps: list[str] | None = None, pods: list[Any] | None = None, replicas: int = 1
    ) -> None:
        if apps is not None:
            known = {"namespace": "apps", "uid": "1", "resourceVersion": "1"}
            spec = {"replicas": replicas}
            found = [{"metadata": {"name": name, **known}, "spec": spec} for name in apps]
            (self.folder / "apps.json").write_text(json.dumps(found))
        if pods is not None:
            (self.folder / "pods.json").write_text(json.dumps(pods))

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    async def __call__(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        return await asyncio.to_thread(self._run, *arguments, stdin=stdin)

    def _run(self, *arguments: str, stdin: str) -> tuple[int, str, str]:
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            [sys.executable, "-m", "immutant", *arguments],
            cwd=self.folder,
            env=os.environ | {"PATH": path, "KUBECTL_WORLD": str(self.folder)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world, module = World(tmp_path), types.ModuleType("shop")
    module.__dict__["plain"] = plain
    async with testing.cluster(app):
        consoles = []
        for name, names in (("shop-0", None), ("shop-1", partial(names_of, app, module))):
            console = Console(app, name, SystemClock(), names=names)
            console.open(tmp_path / f"{name}.sock")
            consoles.append(console)
        yield world
        for console in consoles:
            await console.close()


async def test_the_only_app_is_asked_by_a_pod_that_is_ready(world: World) -> None:
    world.tell(pods=[pod("shop-7", phase="Pending"), pod("shop-6", ready=False), pod("shop-1")])
    await orders.send(1)
    status, said, _ = await world("queues", "-n", "apps", "-o", "yaml")
    assert status == 0
    assert "- name: orders\n  ready: 1\n" in said
    apps, pods, asked = world.calls
    assert apps == ["--namespace=apps", "get", "immutantapps.immutant.org", "-o", "json"]
    assert "immutant.org/app=shop,app.kubernetes.io/component=app" in pods
    assert asked[1:6] == ["exec", "-i", "shop-1", "-c", "app"]


async def test_which_app_is_asked_where_there_are_several(world: World) -> None:
    world.tell(apps=["shop", "till"])
    status, _, said = await world("queues")
    assert (status, said) == (
        1,
        "immutant: there are 2 apps in this namespace: name one of shop, till\n",
    )
    assert (await world("queues", "--app", "shop"))[0] == 0


@pytest.mark.parametrize(
    "line",
    [
        "queues shop",
        "queues -a shop",
        "jobs shop",
        "jobs -n apps shop",
        "jobs -a shop",
        "jobs list shop",
        "jobs -a shop list",
        "cache -a shop",
        "cache plain -a shop",
    ],
)
async def test_an_app_is_named_by_the_option_or_where_it_is_free_by_the_argument(
    world: World, line: str
) -> None:
    world.tell(apps=["shop", "till"])
    assert (await world(*line.split()))[0] == 0


async def test_a_group_without_a_verb_lists_what_there_is(world: World) -> None:
    await plain.put("colour", "blue")
    assert (await world("jobs"))[1].startswith("NAME   SCHEDULE   STATE")
    _, said, _ = await world("cache", "-o", "json")
    assert json.loads(said) == [{"name": "plain", "fenced": False, "ttl": None, "entries": 1}]


async def test_no_pod_and_an_old_pod_are_told_of(world: World) -> None:
    world.tell(pods=[pod("shop-0", phase="Pending")])
    assert "no pod of shop runs" in (await world("queues"))[2]
    (world.folder / "old-0.sock").touch()
    status, _, said = await world("threaddump", "old-0")
    assert status == 1
    assert "runs a version of immutant that cannot be asked yet" in said


async def test_an_app_without_pods_is_told_from_one_that_is_not_there(world: World) -> None:
    world.tell(apps=["shop"], pods=[], replicas=0)
    for line in ("queues shop", "jobs", "cache plain"):
        said = (await world(*line.split()))[2]
        assert "shop is scaled to 0; begin anew: immutant scale shop 2" in said
    said = (await world("queues", "till"))[2]
    assert "there is no app till in this namespace (there are: shop); make it" in said
    assert (await world("logs", "shop"))[2] == "shop has no pods; immutant status shop says why\n"


async def test_the_last_pod_goes_only_if_one_agrees_that_all_is_lost(world: World) -> None:
    status, said, _ = await world("scale", "shop", "0", stdin="n\n")
    assert status == 1
    assert "With the last pod of shop go its caches, sessions, queues" in said
    assert [call for call in world.calls if call[0] == "scale"] == []
    assert (await world("scale", "shop", "0", stdin="y\n"))[0] == 0
    status, said, _ = await world("scale", "shop", "0", "--yes")
    assert (status, said.count("With the last pod")) == (0, 0)
    assert said.endswith("; see immutant status shop --watch\n")
    assert len([call for call in world.calls if call[0] == "scale"]) == 2


@pytest.mark.parametrize(
    "line",
    [
        "threaddump shop-7",
        "repl shop-7",
        "repl shop-7 -a shop",
        "stop shop-7",
        "start shop-7",
        "ssh shop-7",
        "ssh shop-7 ls -a shop",
    ],
)
async def test_a_pod_that_is_not_there_is_told_with_those_that_are(world: World, line: str) -> None:
    world.tell(pods=[pod("shop-1"), pod("shop-0")])
    status, _, said = await world(*line.split())
    assert status == 1
    assert said == "immutant: there is no pod shop-7; there are: shop-0, shop-1\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("ssh shop-0 -c web", "there is no container web in the pods; there are: runtime, app"),
        ("ssh shop-0 -a till", "the pod shop-0 is of the app shop, and not of till"),
        ("stop shop-0 -a till", "the pod shop-0 is of the app shop, and not of till"),
        ("threaddump shop-0 -a till", "the pod shop-0 is of the app shop, and not of till"),
        ("repl shop-0 -a till", "the pod shop-0 is of the app shop, and not of till"),
    ],
)
async def test_what_is_not_the_pods_own_is_refused(world: World, line: str, told: str) -> None:
    status, _, said = await world(*line.split())
    assert (status, said) == (1, f"immutant: {told}\n")


async def test_a_shell_asks_for_its_pod_once(world: World) -> None:
    status, said, _ = await world("ssh", "shop-0", "-a", "shop", "--", "python", "-c", "print(7)")
    assert (status, said) == (0, "7\n")
    assert [call[0] for call in world.calls] == ["get", "exec"]


async def test_where_no_app_has_a_pod_it_is_told_how_to_look_elsewhere(world: World) -> None:
    world.tell(pods=[])
    said = (await world("stop", "shop-7"))[2]
    assert "there is no pod shop-7, nor any other of an app" in said
    assert "immutant apps -A" in said


async def test_values_go_both_ways(world: World) -> None:
    assert (await world("cache", "put", "plain", "colour", '"blue"'))[0] == 0
    assert await plain.get("colour") == "blue"
    assert (await world("cache", "get", "plain", "colour"))[1] == '"blue"\n'
    status, _, said = await world("cache", "put", "plain", "colour", "blue")
    assert status == 2
    assert "is no JSON" in said


async def test_a_prompt_is_refused_before_a_terminal_is_taken_and_held_where_it_is_on(
    world: World,
) -> None:
    status, _, said = await world("repl", "shop-0")
    assert (status, "set spec.repl to true" in said) == (1, True)
    status, said, _ = await world("repl", "shop-1", stdin='await plain.put("a", 1)\n6 * 7\n')
    assert (status, said) == (0, "42\n")
    assert await plain.get("a") == 1


async def test_a_trigger_whose_answer_is_lost_names_the_key_to_ask_again_with(
    world: World,
) -> None:
    world.tell(pods=[pod("gone-0")])
    status, _, said = await world("jobs", "trigger", "report")
    assert status == 1
    assert "to ask for the same once more: --key " in said
