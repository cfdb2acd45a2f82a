"""The chart's life: from the version before to this one, away, and back. The app runs on."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator import former
from tests.integration.operator.harness import Operated, condition, is_complete, kubectl
from tests.integration.operator.processes import Replica, account
from tests.integration.operator.releases import DEFINITION, SYSTEM, Release, bare, cleared

from immutant_operator.api import APP_KIND, connected
from immutant_operator.builders import Cluster
from immutant_operator.crd.manifest import definition
from immutant_operator.images import Images
from immutant_operator.objects import Json

PATIENCE = 120.0
NEWER = Cluster(Images("runtime:2", "member:2", "router:2"), version="2")
pytestmark = pytest.mark.timeout(300)


async def objects(
    operated: Operated, version: str = "resourceVersion"
) -> dict[tuple[str, str], Any]:
    """UID and version of all that is the app's, and the UIDs of its pods.

    Without the budgets, which follow the grid.

    Args:
        operated: The app.
        version: Of what: `resourceVersion` grows with each write, `generation` with each of what is
            wanted. What has no generation is taken by the former.
    """
    found = {key: body["metadata"] for key, body in (await operated.bodies()).items()}
    pods = {("Pod", name): pod["metadata"]["uid"] for name, pod in (await operated.pods()).items()}
    seen = {
        key: (of["uid"], of.get(version, of["resourceVersion"]))
        for key, of in found.items()
        if key[0] not in (APP_KIND[1], "PodDisruptionBudget")
    }
    return {**seen, **pods}


async def carried_out(operated: Operated, replica: Replica) -> None:
    """Play the pods' kubelet and sidecars until an operator has made the app."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        app = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
        if is_complete(app) and app["status"]["ready"] == "2/2":
            return
        assert asyncio.get_running_loop().time() < deadline, (app, replica.said)
        await operated.make_ready()
        await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with bare(tmp_path_factory.mktemp("installation")) as server:
        yield server


@pytest.fixture
def server(started: ApiServer) -> Iterator[ApiServer]:
    yield started
    cleared(started)


async def test_an_app_runs_on_through_upgrade_uninstalling_and_reinstalling(
    server: ApiServer, tmp_path: Path
) -> None:
    before = former.unpacked(tmp_path / "former")
    release = Release(server)
    release.install(chart=before.chart)
    kubectl(server, "create", "namespace", "team")
    async with connected(str(server.kubeconfig())) as api:
        operated = Operated(api, "team")
        await operated.source("one")
        spec: Json = {"replicas": 2, "source": {"configMap": {"name": "demo-source"}}}
        spec["web"] = {"host": "demo.example.org"}
        await operated.write(**spec)
        rights = account(server, SYSTEM, "immutant-operator")
        log = tmp_path / "former.log"
        with Replica(rights, SYSTEM, "former", log, PYTHONPATH=before.path) as replica:
            await carried_out(operated, replica)
        made = await objects(operated, "generation")

        release.upgrade("--set", "images.tag=newer")
        assert_current(server)
        async with connected(str(rights)) as its_own:
            operated.restart(its_own, cluster=NEWER)
            app = await operated.look()
            assert "otherwise" in condition(app, "Progressing")["message"]
            now = await objects(operated, "generation")
            assert {key: now[key] for key in made} == made, "nothing was touched"
            assert all(name.startswith("demo-blueprint-") for _, name in now.keys() - made.keys())
            await operated.write(**spec, env=[{"name": "COLOUR", "value": "blue"}])
            app = await operated.until(is_complete)
        assert app["status"]["runtimeVersion"] == NEWER.version, "a field that is new"
        pods = await operated.pods()
        used = {one["image"] for pod in pods.values() for one in pod["spec"]["initContainers"]}
        assert used == {NEWER.images.runtime, NEWER.images.member}

        made = await objects(operated)
        said = release.uninstall()
        assert f"kept due to the resource policy:\n[CustomResourceDefinition] {DEFINITION}" in said
        there = ("get", "serviceaccount/immutant-operator")
        assert "NotFound" in kubectl(server, "-n", SYSTEM, *there, check=False)
        assert await objects(operated) == made

        release.install("--set", "images.tag=newer")
        async with connected(str(account(server, SYSTEM, "immutant-operator"))) as its_own:
            operated.restart(its_own, cluster=NEWER)
            app = await operated.look()
        assert is_complete(app)
        assert await objects(operated) == made


def assert_current(server: ApiServer) -> None:
    """That the definition is this version's."""
    found = server.call(
        "GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{DEFINITION}"
    )
    (now,), (wanted,) = found["spec"]["versions"], definition()["spec"]["versions"]
    assert now["schema"] == wanted["schema"]


def test_the_chart_says_what_uninstalling_does(server: ApiServer) -> None:
    kept = Release(server)
    assert "the apps go on" in kept.install()
    kept.uninstall()
    unkept = kept.install("--set", "crds.keep=false")
    assert "ALL APPS ARE DELETED" in unkept
    assert "resource policy" not in kept.uninstall()
    # The API server removes it a moment after it was told to.
    kubectl(server, "wait", "--for=delete", f"crd/{DEFINITION}", "--timeout=30s")
    assert DEFINITION not in kubectl(server, "get", "crds", "-o", "name")


async def test_two_installations_look_after_one_namespace_each(
    server: ApiServer, tmp_path: Path
) -> None:
    for number, team in enumerate(("red", "green")):
        kubectl(server, "create", "namespace", team)
        options = ("--set", f"watchNamespace={team}")
        # The definition is the cluster's, so it comes with one of the two.
        more = ("--set", "crds.enabled=false") if number else ()
        Release(server, f"{team}-system", team).install(*options, *more)
    async with connected(str(server.kubeconfig())) as api:
        red, green = Operated(api, "red"), Operated(api, "green")
        await red.write(replicas=1)
        await green.write(replicas=1)
        rights = account(server, "red-system", "immutant-operator")
        with Replica(rights, "red-system", "red", tmp_path / "red.log", "red") as replica:
            deadline = asyncio.get_running_loop().time() + PATIENCE
            while not (await red.pods()):
                assert asyncio.get_running_loop().time() < deadline, replica.said
                await asyncio.sleep(0.1)
        assert "forbidden" not in replica.said, replica.said
        assert await green.pods() == {}
    asked = ("--kubeconfig", str(rights), "auth", "can-i", "create", "services", "-n")
    assert kubectl(server, *asked, "red").strip() == "yes"
    assert kubectl(server, *asked, "green", check=False).strip() == "no"


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
class TestTheVersionBefore:
    """Which it is, by what a checkout has of its history."""

    def git(self, folder: Path, *arguments: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        ended = subprocess.run(
            ["git", "-C", folder, *who, *arguments], capture_output=True, text=True, check=True
        )
        return ended.stdout.strip()

    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        """Three commits; the last two are releases."""
        folder = tmp_path / "checkout"
        folder.mkdir()
        self.git(folder, "init", "--quiet")
        for number in range(3):
            self.git(folder, "commit", "--quiet", "--allow-empty", "-m", f"Change {number}")
            if number:
                self.git(folder, "tag", f"v0.{number}.0")
        return folder

    def test_the_last_release_before_this_commit_comes_first(self, checkout: Path) -> None:
        assert next(former.candidates(checkout)) == self.git(checkout, "rev-parse", "v0.1.0")

    def test_a_shallow_clone_takes_the_oldest_commit_that_it_has(
        self, checkout: Path, tmp_path: Path
    ) -> None:
        clone = tmp_path / "clone"
        self.git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", str(clone))
        assert list(former.candidates(clone)) == [self.git(checkout, "rev-parse", "HEAD")]

    def test_a_folder_without_history_has_none(self, checkout: Path, tmp_path: Path) -> None:
        assert list(former.candidates(tmp_path)) == []
        inside = checkout / "unpacked"
        inside.mkdir()
        assert list(former.candidates(inside)) == [], "the history of the folder around it"
