"""Pods of one application on a real API server: a sidecar and an application each.

Belongs here: starting them, and what is done to one pod. Not here: when (`faults`), and what the
cluster does with all of them (`cluster`).
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.cable import Cable
from tests.chaos.calendar import Calendar
from tests.chaos.containers import Container, send
from tests.chaos.judge import Freeze
from tests.integration.kube.apiserver import ApiServer
from tests.processes import free_port

from immutant import transport
from immutant.contract.environment import Address, Environment, Grid, PodEnvironment
from immutant.contract.timings import Timings

__all__ = ["APP", "Pod", "Setting", "boot_clock"]

APP = "demo"
_ROOT = Path(__file__).parents[2]
_ENTRYPOINT = f"{Path(__file__).parent / 'apps' / 'beating.py'}:app"


def boot_clock() -> float:
    """The clock that the applications stamp their steps with."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Setting:
    """What all pods of an application share.

    Attributes:
        server: The API server.
        namespace: Theirs.
        folder: For their sockets and logs; its path is short.
        timings: The election's.
        state: Where data is kept, for the pod of that number.
        group: The process group of all that is started.
        hard_deadline: Whether the daemons ask for `hard_deadline`.
        entrypoint: The application.
    """

    server: ApiServer
    namespace: str
    folder: Path
    timings: Timings
    state: Callable[[int], Path | Grid]
    group: int
    hard_deadline: bool = False
    entrypoint: str = _ENTRYPOINT


@dataclass
class Pod:
    """One pod: two containers, its own cable to the API server, its own calendar."""

    setting: Setting
    number: int
    uid: str
    freezes: list[Freeze] = field(default_factory=list)
    _frozen: list[int] = field(default_factory=list)
    _frozen_at: float = 0.0

    def __post_init__(self) -> None:
        self.cable = Cable(free_port(), self.setting.server.port)
        self.calendar = Calendar(self._path("calendar"))
        self.ops = Address(host="127.0.0.1", port=free_port())
        self.web = self._path("web")
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        common = {**os.environ, **self._environ(), "PYTHONPATH": path}
        self.sidecar = self._container("sidecar", ("immutant.sidecar",), common)
        self.app = self._container("app", ("immutant.serve", self.setting.entrypoint), common)

    @property
    def name(self) -> str:
        return f"{APP}-{self.number}"

    @property
    def member_lease(self) -> str:
        return f"{APP}.member.{self.number}"

    def start(self) -> None:
        self.sidecar.start()
        self.app.start()

    def end(self) -> None:
        """SIGKILL it for good."""
        self.sidecar.close()
        self.app.close()

    def close(self) -> None:
        self.end()
        self.cable.close()

    def freeze(self, *containers: Container) -> None:
        """SIGSTOP all processes of these containers."""
        self._frozen = [pid for one in containers for pid in one.processes()]
        send(self._frozen, signal.SIGSTOP)
        self._frozen_at = boot_clock() if self.app in containers else 0.0

    def wake(self, choose: random.Random) -> None:
        """SIGCONT them, in any order."""
        if self._frozen_at:
            self.freezes.append(Freeze(self.uid, self._frozen_at, boot_clock()))
        choose.shuffle(self._frozen)
        send(self._frozen, signal.SIGCONT)
        self._frozen = []

    def status(self) -> Any:
        """What its coordinator says that it holds.

        Raises:
            CoordinatorError: It does not answer.
        """
        address = Address(path=str(self._path("link")))
        return asyncio.run(transport.request(address, "GET", "/v1/status"))

    def said(self) -> str:
        return f"== {self.uid} sidecar\n{self.sidecar.said()}\n== app\n{self.app.said()}"

    def _container(self, name: str, module: Iterable[str], environ: dict[str, str]) -> Container:
        command = [sys.executable, "-m", *module]
        log, group = self._path(f"{name}.log"), self.setting.group
        return Container(command, environ, log, group)

    def _path(self, name: str) -> Path:
        return self.setting.folder / f"{self.uid}.{name}"

    def _environ(self) -> dict[str, str]:
        setting = self.setting
        environment = Environment(
            app=APP,
            replica=self.name,
            state=setting.state(self.number),
            coordinator=Address(path=str(self._path("link"))),
            listen=Address(path=str(self.web)),
            app_lock=self._path("lock"),
            grace=2.0,
            timings=setting.timings,
        )
        pod = PodEnvironment(setting.namespace, "uid-1", self.uid, self.ops)
        access = setting.server.kubeconfig("demo-token", self.cable.port)
        guard = {"CHAOS_HARD_DEADLINE": "1"} if setting.hard_deadline else {}
        return {
            **guard,
            **environment.variables(),
            **pod.variables(),
            **self.calendar.environ(),
            "KUBECONFIG": str(access),
            "CHAOS_WITNESS": str(setting.folder / "witness"),
        }
