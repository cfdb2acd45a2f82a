"""What the accounts of the operator and of an app may do: what the documents print, and no more."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.documents import ROOT, blocks
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import CLUSTER, Operated, is_complete, kubectl
from tests.integration.operator.processes import Replica, account
from tests.integration.operator.releases import SYSTEM, Release, bare
from tests.integration.operator.rights import Right, audited, granted, listed, used
from tests.integration.operator.test_reconciling import gateway_api, pod_monitors
from tests.unit.operator.leases import written

from immutant.clock import SystemClock
from immutant.kube import KubeClient, KubeLeases, Owner, configuration
from immutant.leases import Lease
from immutant_operator.api import APP_KIND, Api, connected
from immutant_operator.objects import Json

PATIENCE = 120.0
APP, NAMESPACE = "demo", "shop"
OPERATOR = f"system:serviceaccount:{SYSTEM}:immutant-operator"
PODS = f"system:serviceaccount:{NAMESPACE}:immutant-app-{APP}"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
PRINTED = ROOT / "docs" / "cluster.md"

HELD = {
    Right("immutantapps.immutant.org", "get"): "read by the version before, until it is replaced",
    Right("immutantapps.immutant.org/finalizers", "update"): "owner references that hold back",
    Right("leases.coordination.k8s.io", "create"): "granted to apps",
    Right("leases.coordination.k8s.io", "update"): "granted to apps",
    Right("leases.coordination.k8s.io", "get"): "granted to apps",
}
"""What the operator must have although it asks for none of it: a right cannot be given by one who
lacks it, and the API server may ask for the second (OwnerReferencesPermissionEnforcement)."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rights")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ApiServer]:
    """The chart, installed for all namespaces, and beside it for one."""
    enforced = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
    with bare(folder, *audited(folder), enforced) as started:
        Release(started).install()
        one = ("--set", f"watchNamespace={NAMESPACE}", "--set", "crds.enabled=false")
        kubectl(started, "create", "namespace", NAMESPACE)
        kubectl(started, "-n", NAMESPACE, "create", "serviceaccount", "default")  # no controller
        kubectl(started, "label", "namespace", SYSTEM, NAMESPACE, RESTRICTED)
        Release(started, f"{NAMESPACE}-system").install(*one)
        yield started


async def made(server: ApiServer, api: Api) -> Operated:
    """An app with all that it may have, as an operator of the test's own makes it."""
    operated = Operated(api, NAMESPACE, APP)
    await operated.source("one")
    await operated.write(source={"configMap": {"name": "demo-source"}})
    await operated.look()
    return operated


async def test_the_documents_print_what_kubectl_says(server: ApiServer) -> None:
    async with connected(str(server.kubeconfig())) as api:
        await made(server, api)
    found = [one.code for one in blocks() if one.path == PRINTED and "auth can-i" in one.code]
    assert len(found) == 3, "the app's, the operator's, what is more in the operator's namespace"
    for code in found:
        command, head, *lines = code.strip().splitlines()
        namespace, whose = re.findall(r"(?:--namespace|--as)[ =](\S+)", command)
        assert head.split()[0] == "Resources"
        now = listed(server, whose, namespace)
        if namespace != NAMESPACE:  # what is more there than elsewhere
            elsewhere = listed(server, whose, NAMESPACE)
            now = [one for one in now if one not in elsewhere]
        assert sorted(" ".join(line.split()) for line in lines) == now, command


async def test_the_operator_may_do_what_it_does_and_nothing_else(
    server: ApiServer, folder: Path
) -> None:
    rights = account(server, SYSTEM, "immutant-operator")
    with reading_secrets(server), gateway_api(server), pod_monitors(server):
        allowed = {Right(*one[:2]) for one in granted(server, OPERATOR, SYSTEM)}
        async with (
            connected(str(server.kubeconfig())) as api,
            connected(str(rights)) as its_own,
        ):
            app = Operated(api, NAMESPACE, "life")
            app.restart(its_own, cluster=replace(CLUSTER, monitoring="monitors"))
            await live(server, app)
        with Replica(rights, SYSTEM, "one", folder / "operator.log") as replica:
            deadline = asyncio.get_running_loop().time() + PATIENCE
            while unused := allowed - used(folder, OPERATOR) - set(HELD):
                assert asyncio.get_running_loop().time() < deadline, (unused, replica.said)
                await asyncio.sleep(0.2)
        assert "forbidden" not in replica.said, replica.said
    assert used(folder, OPERATOR) <= allowed


@contextmanager
def reading_secrets(server: ApiServer) -> Iterator[None]:
    Release(server).upgrade("--set", "rbac.readSecrets=true")
    try:
        yield
    finally:
        Release(server).upgrade("--reset-values")


async def live(server: ApiServer, app: Operated) -> None:
    """An app's life, in which the operator has everything to do that it is for."""
    await app.source("one")
    metadata = {"name": "life-secret", "namespace": NAMESPACE}
    await app.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
    spec: Json = {
        "replicas": 2,
        "source": {"configMap": {"name": "life-source"}},
        "envFrom": [{"secretRef": {"name": "life-secret"}}],
    }
    gateway = {"parentRefs": [{"name": "public"}]}
    await app.write(**spec, web={"host": "life.example.org", "gateway": gateway})
    await app.until(is_complete)
    former = await copies(app)
    await app.source("two")  # pods are replaced, and the former copy goes
    # The router, the Ingress, the HTTPRoute and the PodMonitor go.
    app.reconciler.cluster = replace(CLUSTER, monitoring="annotations")
    await app.write(**spec, web={"router": {"enabled": False}})
    await app.until(is_complete)
    await app.look()
    assert not former & await copies(app)
    await app.write(**{**spec, "replicas": 1}, web={"router": {"enabled": False}})
    await app.until(lambda said: is_complete(said) and said["status"]["replicas"] == 1)
    await leave_a_ghost(app)
    await app.look()
    assert await app.api.find("coordination.k8s.io/v1", "Lease", NAMESPACE, GHOST) is None
    await lose_the_node(server, app)


GHOST = "life.member.1"


async def copies(app: Operated) -> set[str]:
    found = await app.api.list("v1", "ConfigMap", NAMESPACE, {"immutant.org/app": app.name})
    names = {one["metadata"]["name"] for one in found}
    return {name for name in names if name.startswith(f"{app.name}-source-")}


async def lose_the_node(server: ApiServer, app: Operated) -> None:
    """The node of the only pod falls silent, and the pod with it, until it is replaced."""
    for name, is_reached in (("near", "True"), ("far", "Unknown")):
        server.call("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        status = {"status": {"conditions": [{"type": "Ready", "status": is_reached}]}}
        server.call("PATCH", f"/api/v1/nodes/{name}/status", status)
    ((lost, dead),) = (await app.pods()).items()
    binding = {"metadata": {"name": lost}, "target": {"kind": "Node", "name": "far"}}
    server.call("POST", f"/api/v1/namespaces/{NAMESPACE}/pods/{lost}/binding", binding)
    await app.say(dead, {"conditions": [{"type": "Ready", "status": "False"}]})
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (await app.pods()).get(lost, dead)["metadata"]["uid"] == dead["metadata"]["uid"]:
        assert asyncio.get_running_loop().time() < deadline, "the pod is made anew"
        await app.look()


async def leave_a_ghost(app: Operated) -> None:
    """The Lease of a pod that has ended and is not to come again."""
    found = await app.api.get(*APP_KIND, NAMESPACE, app.name)
    name = f"{app.name}-1"
    ended = Lease(GHOST, holder=f"{name}/uid/1", member=name, nonce="m", ended="resigned")
    owner = Owner(NAMESPACE, app.name, found["metadata"]["uid"])
    await app.api.apply(written(ended, owner=owner), "sidecar")


async def test_an_apps_pods_may_do_what_their_sidecar_does_and_nothing_else(
    server: ApiServer, folder: Path
) -> None:
    async with connected(str(server.kubeconfig())) as api:
        operated = await made(server, api)
        app = await api.get(*APP_KIND, NAMESPACE, operated.name)
    environ = {"KUBECONFIG": str(account(server, NAMESPACE, f"immutant-app-{APP}"))}
    client = KubeClient(await configuration(environ), SystemClock())
    try:
        owner = Owner(NAMESPACE, APP, app["metadata"]["uid"])
        store = KubeLeases(client, owner, SystemClock(), timeout=5.0)
        since = (await store.snapshot()).version
        record = f"{APP}.member.0"
        lease = Lease(record, holder="demo-0/uid/1", member="demo-0", nonce="m")
        version = await store.write(lease, 0)
        async for event in store.watch(since):
            assert event.name == record
            break
        await store.write(lease, version)
        assert await store.read(record) is not None
    finally:
        await client.close()
    assert granted(server, PODS, NAMESPACE) == used(folder, PODS)


async def test_no_account_may_widen_its_rights_or_act_as_another(server: ApiServer) -> None:
    for whose in (OPERATOR, PODS, f"system:serviceaccount:{NAMESPACE}-system:immutant-operator"):
        for place in (NAMESPACE, SYSTEM, "kube-system"):
            found = granted(server, whose, place)
            assert not {one for one in found if "*" in one.resource or one.verb == "*"}
            assert not {one.verb for one in found} & {"bind", "escalate", "impersonate"}
            assert not {one for one in found if one.resource == "pods" and one.verb == "create"}
            assert not {one for one in found if one.resource.startswith(("pods/", "secrets"))} - {
                Right("secrets", "get")
            }


async def test_an_operator_for_one_namespace_has_no_rights_elsewhere(server: ApiServer) -> None:
    whose = f"system:serviceaccount:{NAMESPACE}-system:immutant-operator"
    assert granted(server, whose, "default") == set()
    everywhere = {one for one in granted(server, OPERATOR, NAMESPACE) if one.resource != "secrets"}
    assert everywhere - granted(server, whose, NAMESPACE) == {Right("nodes", "list")}
    own = granted(server, whose, f"{NAMESPACE}-system")
    assert {(one.verb, one.name) for one in own} == {
        ("get", "immutant-operator"),
        ("update", "immutant-operator"),
        ("create", ""),
    }


async def test_a_restricted_namespace_takes_all_pods_that_there_are(server: ApiServer) -> None:
    async with connected(str(server.kubeconfig())) as api:
        await made(server, api)
        image = Operated(api, NAMESPACE, "image")
        await image.write(image="mine:1", envFrom=[{"secretRef": {"name": "passwords"}}])
        await image.look()

        async def template(kind: str, namespace: str, name: str) -> Json:
            found: Json = await api.get("apps/v1", kind, namespace, name)
            return dict(found["spec"]["template"])

        pods = {
            "app": (NAMESPACE, await template("StatefulSet", NAMESPACE, APP)),
            "with an image of its own": (
                NAMESPACE,
                await template("StatefulSet", NAMESPACE, "image"),
            ),
            "router": (NAMESPACE, await template("Deployment", NAMESPACE, f"{APP}-router")),
            "operator": (SYSTEM, await template("Deployment", SYSTEM, "immutant-operator")),
        }
    for what, (namespace, made_from) in pods.items():
        assert tried(server, namespace, made_from).startswith("pod/"), what
    namespace, loose = pods["router"]
    del loose["spec"]["containers"][0]["securityContext"]
    assert 'violates PodSecurity "restricted' in tried(server, namespace, loose)


def tried(server: ApiServer, namespace: str, template: Json) -> str:
    """What the API server says to a pod that is made from a template; there is none afterwards."""
    metadata = {**template["metadata"], "name": "tried"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    request = ("create", "--dry-run=server", "--output=name", "--filename=-")
    return kubectl(server, "-n", namespace, *request, stdin=json.dumps(pod), check=False)
