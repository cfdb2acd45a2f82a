"""Sidecars of many pods, each beside an application that stands for many daemons and does nothing.

Belongs here: bare sidecars, and streams that hold what they are granted. Not here: what it costs
(`test_requests`).
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from tests.chaos.containers import Container
from tests.integration.kube.apiserver import ApiServer
from tests.integration.kube.pods import allow
from tests.processes import free_port, process_group

from immutant import filelock
from immutant.contract.environment import Address, Environment, PodEnvironment
from immutant.contract.timings import Timings
from immutant.errors import CoordinatorError
from immutant.link import Candidacy, Granted, Revoked, Stopping
from immutant.serve.http_link import HttpLink

__all__ = ["Crowd", "crowd"]

_RETRY = 0.5
_PATIENCE = 240.0
_STREAMS = 75
"""Candidacies that all pods together begin in a second: a small machine does the work of many."""


class Crowd:
    """So many pods that stand for the same so many daemons.

    Attributes:
        held: Which daemons are held.
        begun: How many tenures have begun.
    """

    def __init__(self, pods: int, daemons: int) -> None:
        self.held: set[str] = set()
        self.begun = 0
        self._names = [f"daemon-{number}" for number in range(daemons)]
        self._news = asyncio.Event()
        self._pause = pods / _STREAMS

    async def until_all_are_held(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            while len(self.held) < len(self._names):
                self._news.clear()
                await self._news.wait()

    async def stand(self, link: HttpLink) -> None:
        """Stand for everything in one pod, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name in self._names:
                group.create_task(self._stand(link, name))
                await asyncio.sleep(self._pause)

    async def _stand(self, link: HttpLink, name: str) -> None:
        while True:
            with contextlib.suppress(CoordinatorError):
                async with link.stand(Candidacy("daemon", name)) as events:
                    tenure = ""
                    async for event in events:
                        if isinstance(event, Granted):
                            tenure = event.tenure
                            self.held.add(name)
                            self.begun += 1
                            self._news.set()
                        elif isinstance(event, Stopping | Revoked):
                            self.held.discard(name)
                            await link.stopped(tenure)
            await asyncio.sleep(_RETRY)


@contextlib.asynccontextmanager
async def crowd(
    server: ApiServer, namespace: str, folder: Path, timings: Timings, *, pods: int, daemons: int
) -> AsyncIterator[Crowd]:
    """Pods that stand; nothing of them stays behind."""
    allow(server, namespace)
    crowded = Crowd(pods, daemons)
    with contextlib.ExitStack() as stack:
        group = stack.enter_context(process_group())
        links = []
        for number in range(pods):
            address = Address(path=str(folder / f"{number}.link"))
            lock = folder / f"{number}.lock"
            stack.callback(filelock.hold(lock).release)
            environ = _environ(server, namespace, number, address, lock, timings)
            command = [sys.executable, "-m", "immutant.sidecar"]
            sidecar = Container(command, environ, folder / f"{number}.log", group)
            sidecar.start()
            stack.callback(sidecar.close)
            links.append(HttpLink(address))
        standing = [asyncio.create_task(crowded.stand(link)) for link in links]
        try:
            yield crowded
        finally:
            for task in standing:
                task.cancel()
            await asyncio.gather(*standing, return_exceptions=True)


def _environ(
    server: ApiServer,
    namespace: str,
    number: int,
    address: Address,
    lock: Path,
    timings: Timings,
) -> dict[str, str]:
    environment = Environment(
        app="demo",
        replica=f"demo-{number}",
        state=lock.parent,
        coordinator=address,
        listen=address,
        app_lock=lock,
        timings=timings,
    )
    ops = Address(host="127.0.0.1", port=free_port())
    pod = PodEnvironment(namespace, "uid-1", f"uid-of-demo-{number}", ops)
    access = {"KUBECONFIG": str(server.kubeconfig("demo-token"))}
    return {**os.environ, **environment.variables(), **pod.variables(), **access}
