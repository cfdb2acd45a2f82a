"""The log of all pods of an application, merged.

Belongs here: following each container, also when pods come, go and restart, and putting what they
said into one order. Not here: colours and the thread that writes (`immutant.run.log`).
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from immutant.errors import ClusterError
from immutant.remote.kubectl import Json, Kubectl
from immutant.remote.pods import app_pods
from immutant.run.log import Log

__all__ = ["Selection", "follow", "history"]

_LOOK: Final = 2.0
"""Seconds after which it is looked for pods that have come."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the log.

    Attributes:
        pod: One pod alone; "": all.
        container: The container: app, runtime or member.
        since: How far back, such as 10m; "": all that there is.
        tail: At most so many lines of each pod to begin with; -1: all.
    """

    pod: str = ""
    container: str = "app"
    since: str = ""
    tail: int = -1

    @property
    def options(self) -> list[str]:
        """What kubectl is told."""
        since = [f"--since={self.since}"] if self.since else []
        return [f"--tail={self.tail}", *since]

    def of(self, pods: list[Json]) -> list[Json]:
        """Those of the pods that are asked for."""
        return [pod for pod in pods if self.pod in ("", pod["metadata"]["name"])]


def history(kubectl: Kubectl, app: str, selection: Selection, log: Log) -> None:
    """Write what there is, in the order of the containers' own time stamps."""
    lines: list[tuple[str, str, bytes]] = []
    for pod in selection.of(app_pods(kubectl, app)):
        name = pod["metadata"]["name"]
        if _life(pod, selection.container):
            command = _command(name, selection.container, *selection.options)
            lines += ((stamp, name, text) for stamp, text in _parsed(kubectl.run(*command)))
    for _, name, text in sorted(lines, key=lambda line: line[0]):
        log.line(name, text)


def follow(kubectl: Kubectl, app: str, selection: Selection, log: Log) -> None:
    """Write all lines as they come; never returns."""
    followed: dict[str, _Follower] = {}
    trouble = ""
    while True:
        try:
            pods = selection.of(app_pods(kubectl, app))
            trouble = ""
        except ClusterError as error:  # the API server is away: what is followed goes on
            if str(error) != trouble:
                log.say(str(error))
            trouble, pods = str(error), []
        for pod in pods:
            if (life := _life(pod, selection.container)) is not None:
                former = followed.get(life.container)
                if former is None or (life.runs and not former.is_alive()):
                    last = former.last if former else ""
                    name = pod["metadata"]["name"]
                    followed[life.container] = _Follower(kubectl, name, selection, log, last)
        threading.Event().wait(_LOOK)


@dataclass(frozen=True, slots=True)
class _Life:
    """One run of a container, and whether it goes on."""

    container: str
    runs: bool


def _life(pod: Json, container: str) -> _Life | None:
    """The container's present or last life, once there is a log of it."""
    for kind in ("containerStatuses", "initContainerStatuses"):
        for one in pod["status"].get(kind, ()):
            if one["name"] == container and not one["state"].get("waiting"):
                return _Life(one.get("containerID", ""), "running" in one["state"])
    return None


class _Follower:
    """One `kubectl logs -f`; `last` is the stamp of its last line."""

    def __init__(
        self, kubectl: Kubectl, pod: str, selection: Selection, log: Log, last: str
    ) -> None:
        self.last = last
        self._kubectl = kubectl
        self._pod = pod
        self._selection = selection
        self._log = log
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it still follows."""
        return self._thread.is_alive()

    def _read(self) -> None:
        options = [f"--since-time={self.last}"] if self.last else self._selection.options
        command = _command(self._pod, self._selection.container, "-f", *options)
        with self._kubectl.open(*command) as process:
            assert process.stdout
            for raw in process.stdout:
                stamp, _, text = raw.rstrip(b"\n").partition(b" ")
                # A stream that begins again repeats its last second.
                if stamp.endswith(b"Z") and stamp.decode() > self.last:
                    self.last = stamp.decode()
                    self._log.line(self._pod, text)


def _command(pod: str, container: str, *options: str) -> list[str]:
    return ["logs", "--timestamps", "-c", container, *options, pod]


def _parsed(said: bytes) -> Iterator[tuple[str, bytes]]:
    for raw in said.splitlines():
        stamp, _, text = raw.partition(b" ")
        if stamp.endswith(b"Z"):
            yield stamp.decode(errors="replace"), text
