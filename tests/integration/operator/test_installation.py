"""The chart's life: from the version before to this one, away, and back. The app runs on."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator import former
from tests.integration.operator.harness import Operated, condition, kubectl
from tests.integration.operator.processes import Replica, account
from tests.integration.operator.releases import SYSTEM, Release, bare

from immutant_operator.api import APP_KIND, connected
from immutant_operator.apply import inventory
from immutant_operator.crd.manifest import definition
from immutant_operator.objects import Json
from immutant_operator.spec import parse

PATIENCE = 60.0
NEWER = {
    "IMMUTANT_RUNTIME_IMAGE": "runtime:2",
    "IMMUTANT_MEMBER_IMAGE": "member:2",
    "IMMUTANT_ROUTER_IMAGE": "router:2",
}
DEFINITION = "immutantapps.immutant.org"

pytestmark = pytest.mark.timeout(300)


class Life:
    """One app, and the operators that look after it in turn."""

    def __init__(self, server: ApiServer, operated: Operated, logs: Path) -> None:
        self._server = server
        self._operated = operated
        self._logs = logs

    @contextmanager
    def operator(self, name: str, **environment: str) -> Iterator[Replica]:
        """An operator with the rights that are installed now."""
        rights = account(self._server, SYSTEM, "immutant-operator")
        log = self._logs / f"{name}.log"
        with Replica(rights, SYSTEM, name, log, **environment) as replica:
            yield replica
        assert "Traceback" not in replica.said, replica.said
        assert "forbidden" not in replica.said, replica.said

    async def until(self, replica: Replica, holds: Callable[[Json], bool]) -> Json:
        """Play the pods' kubelet and sidecars until the app says so."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            app = await self._operated.api.get(*APP_KIND, self._operated.namespace, "demo")
            if holds(app):
                return app
            assert asyncio.get_running_loop().time() < deadline, (app, replica.said)
            await self._operated.make_ready()
            await asyncio.sleep(0.1)

    async def looked(self, replica: Replica) -> None:
        """Wait until this operator has looked at the app, to the end."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while _looks(replica) < 1:
            assert asyncio.get_running_loop().time() < deadline, replica.said
            await asyncio.sleep(0.1)

    async def objects(self, version: str = "resourceVersion") -> dict[tuple[str, str], Any]:
        """UID and version of all that is the app's, and the UIDs of its pods.

        Args:
            version: Of what: `resourceVersion` grows with each write, `generation` with each of
                what is wanted. What has no generation is taken by the former.
        """
        api, namespace = self._operated.api, self._operated.namespace
        app = parse(await api.get(*APP_KIND, namespace, "demo"))
        found = [(key, body["metadata"]) for key, body in (await inventory(api, app)).items()]
        pods = await self._operated.pods()
        seen = {key: (of["uid"], of.get(version, of["resourceVersion"])) for key, of in found}
        return {**seen, **{("Pod", name): pod["metadata"]["uid"] for name, pod in pods.items()}}


def _looks(replica: Replica) -> float:
    if "health and metrics" not in replica.said:
        return 0
    lines = replica.ops("/metrics").splitlines()
    counts = [
        line for line in lines if line.startswith("immutant_operator_reconcile_seconds_count")
    ]
    return float(counts[0].split()[1]) if counts else 0


def is_complete(app: Json) -> bool:
    said = condition(app, "Progressing")
    is_of_now = said.get("observedGeneration") == app["metadata"]["generation"]
    return bool(is_of_now and said["reason"] == "Complete" and app["status"]["ready"] == "2/2")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    with bare(tmp_path) as started:
        yield started


async def test_an_app_runs_on_through_upgrade_uninstalling_and_reinstalling(
    server: ApiServer, tmp_path: Path
) -> None:
    before = former.unpacked(tmp_path / "former")
    release = Release(server)
    release.install(chart=before.chart)
    kubectl(server, "create", "namespace", "team")
    async with connected(str(server.kubeconfig())) as api:
        operated = Operated(api, "team")
        life = Life(server, operated, tmp_path)
        await operated.source("one")
        spec: Json = {"replicas": 2, "source": {"configMap": {"name": "demo-source"}}}
        spec["web"] = {"host": "demo.example.org"}
        await operated.write(**spec)
        with life.operator("former", PYTHONPATH=before.path) as replica:
            await life.until(replica, is_complete)
        made = await life.objects("generation")

        release.upgrade("--set", "images.tag=newer")
        assert_current(server)
        with life.operator("newer", **NEWER) as replica:
            app = await life.until(
                replica, lambda app: "otherwise" in condition(app, "Progressing")["message"]
            )
            now = await life.objects("generation")
            assert {key: now[key] for key in made} == made, "nothing was touched"
            ((_, new),) = now.keys() - made.keys()
            assert new.startswith("demo-blueprint-")
            await operated.write(**spec, env=[{"name": "COLOUR", "value": "blue"}])
            app = await life.until(replica, is_complete)
            assert app["status"]["runtimeVersion"], "a field that is new"
        pods = await operated.pods()
        used = {one["image"] for pod in pods.values() for one in pod["spec"]["initContainers"]}
        assert used == {"runtime:2", "member:2"}

        made = await life.objects()
        said = release.uninstall()
        assert f"kept due to the resource policy:\n[CustomResourceDefinition] {DEFINITION}" in said
        assert "NotFound" in kubectl(
            server, "-n", SYSTEM, "get", "serviceaccount/immutant-operator", check=False
        )
        assert await life.objects() == made

        release.install("--set", "images.tag=newer")
        with life.operator("again", **NEWER) as replica:
            await life.looked(replica)
        assert await life.objects() == made


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
