"""Sidecars as processes, each with a scripted application beside it.

Belongs here: starting and ending them, and what a daemon of the application saw. There are no
containers: the two share loopback, as the containers of a pod do.
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from tests.integration.kube.apiserver import ApiServer
from tests.processes import free_port

from immutant import filelock, transport
from immutant.clock import SystemClock
from immutant.contract.environment import Address, Environment, Grid, PodEnvironment
from immutant.contract.timings import Timings
from immutant.errors import CoordinatorError
from immutant.stopped import Mark

PATIENCE = 30.0
CLOCK = SystemClock()


@dataclass
class Stint:
    """One tenure as its daemon saw it, in seconds of the boot clock."""

    pod: str
    token: int
    begun: float
    ended: float


class Pod:
    """One pod: its sidecar's process, and an application that runs the daemon `counter`."""

    def __init__(
        self, server: ApiServer, namespace: str, grid: Grid, name: str, timings: Timings
    ) -> None:
        self.name = name
        self.stints: list[Stint] = []
        self.lines: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        self.coordinator = Address(host="127.0.0.1", port=free_port())
        self._ops = Address(host="127.0.0.1", port=free_port())
        self._lock = server.folder / f"{namespace}-{name}.lock"
        self.mark = Mark(self._lock)
        environment = Environment(
            app="demo",
            replica=name,
            state=grid,
            coordinator=self.coordinator,
            listen=Address(host="127.0.0.1", port=8080),
            app_lock=self._lock,
            timings=timings,
        )
        pod = PodEnvironment(namespace, "uid-1", f"uid-of-{name}", self._ops)
        self.environ = {
            **environment.variables(),
            **pod.variables(),
            "KUBECONFIG": str(server.kubeconfig("demo-token")),
        }
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def member_lease(self) -> str:
        return f"demo.member.{self.name.removeprefix('demo-')}"

    async def start(self) -> None:
        """Start the sidecar, and the application if it does not run."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "immutant.sidecar",
            env=self.environ,
            stderr=asyncio.subprocess.PIPE,
        )
        self._tasks.append(asyncio.create_task(self._read(self.process)))
        async with asyncio.timeout(PATIENCE):
            while not await self._is_ready():  # noqa: ASYNC110 - a process cannot set an event
                await asyncio.sleep(0.05)
        if len(self._tasks) == 1:
            self.app_starts()

    def app_starts(self) -> None:
        """Start the application."""
        self._tasks[1:] = [asyncio.create_task(self._daemon())]

    async def end(self, number: signal.Signals) -> float:
        """End the sidecar by a signal; how long that took."""
        assert self.process is not None
        began = CLOCK.now()
        self.process.send_signal(number)
        status = await asyncio.wait_for(self.process.wait(), PATIENCE)
        assert status == (0 if number is signal.SIGTERM else -number), self.lines
        return CLOCK.now() - began

    async def app_dies(self) -> None:
        """End the application, as by kill -9: the kernel lets go of its lock and connections."""
        (daemon,) = self._tasks[1:]
        daemon.cancel()
        await asyncio.gather(daemon, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks[1:]:
            task.cancel()
        if self.process is not None and self.process.returncode is None:
            await self.end(signal.SIGKILL)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def ask(self, path: str) -> str:
        """What the outer port answers."""
        async with httpx.AsyncClient() as client:
            response = await client.get(f"http://{self._ops}{path}")
            return response.raise_for_status().text

    async def call(self, method: str, path: str, body: object = None) -> Any:
        return await transport.request(self.coordinator, method, path, body)

    async def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.lines
        try:
            return await self.ask("/readyz") == "ok"
        except httpx.HTTPError:
            return False

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            self.lines.append(line.decode().rstrip())

    async def _daemon(self) -> None:
        lock = filelock.hold(self._lock)
        try:
            while True:
                with contextlib.suppress(CoordinatorError):
                    hello = await self.call("POST", "/v1/hello", {"process": self.name})
                    standing = {"incarnation": hello["incarnation"], "kind": "daemon"}
                    await self._stand({**standing, "name": "counter"})
                await asyncio.sleep(0.05)
        finally:
            lock.release()

    async def _stand(self, body: dict[str, str]) -> None:
        """Hold what is granted, and stop when told to, or at the deadline (rule 8)."""
        tenure, stint = "", None
        try:
            async with transport.stream(self.coordinator, "POST", "/v1/singletons", body) as events:
                async for event in events:
                    match event["event"]:
                        case "granted":
                            tenure = event["tenure"]
                            begun, until = CLOCK.now(), event["not_after"]
                            stint = Stint(self.name, int(event["token"]), begun, until)
                            self.stints.append(stint)
                        case "heartbeat" if stint:
                            stint.ended = max(stint.ended, event["not_after"])
                        case "stopping" | "revoked" if stint:
                            stint.ended = min(stint.ended, CLOCK.now())
                            stint = None
                            await self.call("POST", f"/v1/tenures/{tenure}/stopped")
        finally:
            if stint:
                stint.ended = min(stint.ended, CLOCK.now())


class Pods:
    """The pods of one test."""

    def __init__(self, *pods: Pod) -> None:
        self.all = pods

    @property
    def stints(self) -> list[Stint]:
        """All tenures so far, in the order in which they began."""
        return sorted((one for pod in self.all for one in pod.stints), key=lambda one: one.begun)

    def holder(self) -> Pod | None:
        """The pod whose daemon runs now."""
        now = CLOCK.now()
        running = [one.pod for one in self.stints if one.ended > now]
        assert len(running) <= 1, self.stints
        return next((pod for pod in self.all if pod.name in running), None)

    async def held(self, patience: float, *, after: int = 0) -> Pod:
        """Wait until a tenure runs that is not among the first so many; by whom it is held."""
        async with asyncio.timeout(patience):
            while len(self.stints) <= after or not (holder := self.holder()):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return holder

    def never_overlapped(self) -> None:
        """Each tenure began after the one before had ended, with a greater token."""
        for before, after in zip(self.stints, self.stints[1:], strict=False):
            assert before.ended <= after.begun, self.stints
            assert before.token < after.token, self.stints


@contextlib.asynccontextmanager
async def running_pods(
    server: ApiServer, namespace: str, grid: Grid | Sequence[Grid], timings: Timings, count: int = 2
) -> AsyncIterator[Pods]:
    """Pods of one application beside a grid, with the rights that its service account has.

    Args:
        server: Where their Leases are.
        namespace: Where they are there.
        grid: The member that is beside all of them, or one for each.
        timings: Of the election.
        count: How many.
    """
    allow(server, namespace)
    grids = [grid] * count if isinstance(grid, Grid) else grid
    beside = zip(grids, (f"demo-{number}" for number in range(count)), strict=True)
    pods = Pods(*(Pod(server, namespace, one, name, timings) for one, name in beside))
    try:
        await asyncio.gather(*(pod.start() for pod in pods.all))
        yield pods
    finally:
        await asyncio.gather(*(pod.close() for pod in pods.all))


def allow(server: ApiServer, namespace: str) -> None:
    """Give the application's account what it may do in a namespace."""
    base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    rule = {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["get", "list", "watch", "create", "update"],
    }
    server.call("POST", f"{base}/roles", {"metadata": {"name": "demo"}, "rules": [rule]})
    group = "rbac.authorization.k8s.io"
    account = {"kind": "User", "apiGroup": group, "name": ACCOUNT}
    role = {"kind": "Role", "apiGroup": group, "name": "demo"}
    body = {"metadata": {"name": "demo"}, "subjects": [account], "roleRef": role}
    server.call("POST", f"{base}/rolebindings", body)


ACCOUNT = "system:serviceaccount:apps:immutant-app-demo"
