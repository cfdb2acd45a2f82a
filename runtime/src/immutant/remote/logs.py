"""The log of all pods of an app, merged.

Belongs here: following each container, also when pods come, go and restart, and putting what they
said into one order. Not here: colours and the thread that writes (`immutant.run.log`).
"""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn

from immutant.errors import ClusterError
from immutant.remote.kubectl import Json, Kubectl
from immutant.remote.pods import absent, app_pods, check_container
from immutant.run.log import Log

__all__ = ["Selection", "follow", "history"]

_LOOK: Final = 2.0
"""Seconds after which it is looked for pods that have come."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of the log.

    Attributes:
        pod: One pod alone; "": all.
        container: The container: app, runtime or member, or source or packages, which come first.
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

    def check(self, pods: list[Json]) -> None:
        """Refuse what is not there.

        Raises:
            MissingError: The pod, or the container, is none of these; the text names those.
        """
        chosen = self.of(pods)
        if self.pod and not chosen:
            raise absent(self.pod, pods)
        check_container(self.container, chosen)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line and its time stamp, as the kubelet wrote it and as an instant."""

    stamp: str
    instant: datetime
    text: bytes

    @classmethod
    def read(cls, raw: bytes) -> "_Line | None":
        """Parse a line; None: it has no stamp, since it is kubectl's own."""
        stamp, _, text = raw.rstrip(b"\n").partition(b" ")
        try:
            said = stamp.decode("ascii")
            instant = datetime.fromisoformat(said)  # beyond microseconds it cuts
        except ValueError:
            return None
        return cls(said, instant, text) if instant.tzinfo else None


def history(kubectl: Kubectl, app: str, selection: Selection, log: Log) -> None:
    """Write what there is, in the order of the containers' own time stamps.

    Raises:
        MissingError: There is no such pod, or no such container.
        ClusterError: A log cannot be read.
    """
    lines: list[tuple[datetime, str, bytes]] = []
    pods = app_pods(kubectl, app)
    selection.check(pods)
    for pod in selection.of(pods):
        name = pod["metadata"]["name"]
        if _life(pod, selection.container):
            said = kubectl.run(*_command(name, selection.container, *selection.options))
            found = map(_Line.read, said.split(b"\n"))
            lines += ((line.instant, name, line.text) for line in found if line)
    for _, name, text in sorted(lines, key=lambda line: line[0]):
        log.line(name, text)


def follow(kubectl: Kubectl, app: str, selection: Selection, log: Log) -> NoReturn:
    """Write all lines as they come.

    Raises:
        MissingError: To begin with there is no such pod, or no such container.
        ClusterError: The pods cannot be listed to begin with.
    """
    selection.check(app_pods(kubectl, app))
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
                    last = former.last if former else None
                    name = pod["metadata"]["name"]
                    followed[life.container] = _Follower(kubectl, name, selection, log, last)
        time.sleep(_LOOK)


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
    """One `kubectl logs -f`; `last` is its last line, None: it had none yet."""

    def __init__(
        self, kubectl: Kubectl, pod: str, selection: Selection, log: Log, last: _Line | None
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
        options = [f"--since-time={self.last.stamp}"] if self.last else self._selection.options
        command = _command(self._pod, self._selection.container, "-f", *options)
        with self._kubectl.open(*command) as process:
            assert process.stdout
            for line in _unseen(process.stdout, self.last):
                self.last = line
                self._log.line(self._pod, line.text)


def _unseen(stream: Iterable[bytes], last: _Line | None) -> Iterator[_Line]:
    """The lines of a stream that was resumed after `last`, without those that it repeats.

    It begins with the whole second of `last`. Lines may have equal stamps, so that only those up to
    the first later one are compared with it.
    """
    for line in filter(None, map(_Line.read, stream)):
        if last is None or line.instant > last.instant:
            last = None
            yield line


def _command(pod: str, container: str, *options: str) -> list[str]:
    return ["logs", "--timestamps", "-c", container, *options, pod]
