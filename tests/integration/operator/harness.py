"""What plays the cluster around the operator: the StatefulSet's controller, a kubelet's word, and
that of the pods' sidecars.

Belongs here: running the real controllers, and saying of a pod what kubelet and sidecar would say.
"""

import asyncio
import contextlib
import itertools
import subprocess
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from tests.e2e.testbed import programs
from tests.integration.kube.apiserver import ApiServer
from tests.unit.operator.leases import written

from immutant.contract.gridview import GridView
from immutant.election.stance import Stance
from immutant.kube.records import Owner
from immutant.leases import Lease
from immutant_operator.api import APP_KIND, Api, NotFoundError, plural
from immutant_operator.builders import Cluster
from immutant_operator.images import Images
from immutant_operator.kinds import APP, OWNED
from immutant_operator.objects import Json
from immutant_operator.reconciler import Reconciler
from immutant_operator.registry import Registry
from immutant_operator.remotes import Remotes
from immutant_operator.rounds import see_all
from immutant_operator.store import Store

CLUSTER = Cluster(Images("runtime:1", "member:1", "router:1"), version="1")
PATIENCE = 120.0
"""Seconds until what should come is given up: a machine under load takes several times its time."""
A_LOOK = 2.0
"""Seconds that pass, by the operator's clock, from one look to the next."""


_CONTROLLERS = (
    "statefulset-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
)


def kubectl(server: ApiServer, *arguments: str, stdin: str = "", check: bool = True) -> str:
    """What kubectl says, errors included."""
    ended = subprocess.run(
        [programs.program("kubectl"), "--kubeconfig", server.kubeconfig(), *arguments],
        input=stdin,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    if check:
        assert ended.returncode == 0, ended.stdout
    return ended.stdout


@contextmanager
def controllers(server: ApiServer) -> Iterator[None]:
    """The real controllers of StatefulSets, of garbage, and of autoscalers."""
    with (server.folder / "controllers.log").open("ab") as log:
        process = subprocess.Popen(
            [
                programs.program("kube-controller-manager"),
                f"--kubeconfig={server.kubeconfig()}",
                "--leader-elect=false",
                "--secure-port=0",
                f"--controllers={','.join(_CONTROLLERS)}",
                "--horizontal-pod-autoscaler-sync-period=1s",
                "--use-service-account-credentials=false",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield
        assert process.poll() is None, (server.folder / "controllers.log").read_text()[-3000:]
    finally:
        process.kill()
        process.wait()


class Operated:
    """An app, the operator that looks at it when asked, and its pods' kubelet."""

    def __init__(self, api: Api, namespace: str, name: str = "demo") -> None:
        self.api = api
        self.namespace = namespace
        self.name = name
        self.now = 0.0
        self.restart()
        self._renewals = itertools.count()

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    def restart(
        self,
        api: Api | None = None,
        *,
        cluster: Cluster = CLUSTER,
        store: Store | None = None,
        remotes: Remotes | None = None,
    ) -> None:
        """From now on another operator looks after the app; it remembers nothing.

        Args:
            api: By which account it asks; None: by the test's own.
            cluster: What it knows of the cluster.
            store: What it has in view; None: nothing yet.
            remotes: What it knows of repositories; None: nothing yet.
        """
        self.store = Store() if store is None else store
        self.reconciler = Reconciler(
            api or self.api, self.store, cluster, Registry(), lambda: self.now, remotes
        )

    async def write(self, **spec: Any) -> None:
        """Write the app's spec, as `kubectl apply` would."""
        version, kind = APP_KIND
        metadata = {"name": self.name, "namespace": self.namespace}
        body = {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
        await self.api.apply(body, "user")

    async def source(self, text: str) -> None:
        metadata = {"name": f"{self.name}-source", "namespace": self.namespace}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        await self.api.apply({**body, "data": {"app.py": text}}, "user")

    async def see(self) -> None:
        """Take note of all that is there, as the operator does each minute."""
        await see_all(self.api, self.namespace, self.store, lambda _: None)

    async def look(self) -> Json:
        """One reconcile, a while after the one before, of what is there; the app after it."""
        self.now += A_LOOK
        await self.see()
        await self.reconciler.reconcile(self.key)
        return await self.api.get(*APP_KIND, self.namespace, self.name)

    async def until(
        self, said: Callable[[Json], bool], *, ready: bool = True, patience: float = PATIENCE
    ) -> Json:
        """Reconcile, and let pods become ready (unless not), until the app says so."""
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            app = await self.look()
            if said(app):
                return app
            assert asyncio.get_running_loop().time() < deadline, app.get("status")
            if ready:
                await self.make_ready()
            await asyncio.sleep(0.05)

    async def pods(self) -> dict[str, Json]:
        labels = {"immutant.org/app": self.name, "app.kubernetes.io/component": "app"}
        found = await self.api.list("v1", "Pod", self.namespace, labels)
        return {pod["metadata"]["name"]: pod for pod in found}

    async def make_ready(self, but: Collection[str] = ()) -> None:
        """Every pod that can run is ready, at once, and its member is in a grid that is safe.

        Args:
            but: The UIDs of pods that cannot.
        """
        for pod in (await self.pods()).values():
            if (
                pod["metadata"]["uid"] not in but
                and pod["spec"]["containers"][0]["image"] != "broken:1"
            ):
                made = pod["metadata"]["creationTimestamp"]
                ready = {"type": "Ready", "status": "True", "lastTransitionTime": made}
                status = {"phase": "Running", "startTime": made, "conditions": [ready]}
                await self.say(pod, status)
        await self.renew()

    async def renew(self, *, is_safe: bool = True, but: str = "") -> None:
        """Every pod's sidecar but one's renews its Lease, and says in it what its member sees."""
        app = await self.api.get(*APP_KIND, self.namespace, self.name)
        owner = Owner(self.namespace, self.name, app["metadata"]["uid"])
        pods = [pod["metadata"] for name, pod in (await self.pods()).items() if name != but]
        uids = sorted(pod["uid"] for pod in pods)
        view = sha256(",".join(uids).encode()).hexdigest()[:16]
        body = Stance(grid=GridView(len(uids), view, is_safe)).to_body()
        for pod in pods:
            lease = Lease(
                f"{self.name}.member.{pod['name'].rpartition('-')[2]}",
                holder=f"{pod['name']}/{pod['uid']}/life",
                member=pod["name"],
                nonce="life",
                duration=4.0,
                write=str(next(self._renewals)),
                body=body,
            )
            await self.api.apply(written(lease, owner=owner), "sidecar")

    async def say(self, pod: Json, status: Json) -> None:
        """Write a pod's status, as its kubelet would."""
        metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}
        with contextlib.suppress(NotFoundError):  # it was replaced meanwhile
            await self.api.apply(body, "kubelet", "status")

    async def bodies(self) -> dict[tuple[str, str], Json]:
        """Everything that is the app's, the app included, as it is."""
        found: dict[tuple[str, str], Json] = {}
        for kind in (APP, *OWNED):
            selector = kind.selector and f"{kind.selector},immutant.org/app={self.name}"
            if kind.everywhere or await self.api.serves(kind.version, plural(kind.name)):
                asked = kind.version, kind.name, self.namespace, selector
                async for page in self.api.pages(*asked):
                    found |= {(kind.name, one["metadata"]["name"]): one for one in page.items}
        return found

    async def objects(self) -> dict[tuple[str, str], str]:
        """The resourceVersions of the same."""
        bodies = await self.bodies()
        return {key: body["metadata"]["resourceVersion"] for key, body in bodies.items()}


def condition(app: Json, kind: str) -> Json:
    unknown: Json = {"status": "Unknown", "reason": "", "message": ""}
    for one in app.get("status", {}).get("conditions", ()):
        if one["type"] == kind:
            return dict(one)
    return unknown


def is_complete(app: Json) -> bool:
    return bool(condition(app, "Progressing")["reason"] == "Complete")
