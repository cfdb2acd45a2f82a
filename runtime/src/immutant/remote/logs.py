"""The log of all pods of an app, merged.

Belongs here: following each container, also when pods come, go and restart, and putting what they
said into one order. Not here: colours and the thread that writes (`immutant.run.log`).
"""

import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from immutant.errors import ClusterError
from immutant.remote.kubectl import Json, Kubectl
from immutant.remote.pods import absent, app_pods, check_container
from immutant.run.log import Log

__all__ = ["Selection", "follow", "history"]

_LOOK: Final = 2.0
"""Seconds after which it is looked for pods that have come."""

_BELOW: Final = "what it said before is below"
"""Among the lines of all pods, which are in the order of time."""


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


def history(
    kubectl: Kubectl, app: str, selection: Selection, log: Log, warn: Callable[[str], None]
) -> None:
    """Write what there is, in the order of the containers' own time stamps.

    Args:
        kubectl: The cluster.
        app: Whose log.
        selection: Which part of it.
        log: Where it is written.
        warn: Told where there are no pods, and where a log is that of a container's last run,
            since it has none of a later one.

    Raises:
        MissingError: There is no such pod, or no such container.
        ClusterError: A log cannot be read.
    """
    lines: list[tuple[datetime, str, bytes]] = []
    pods = app_pods(kubectl, app)
    selection.check(pods)
    if not pods:
        warn(f"{app} has no pods; immutant status {app} says why")
    for pod in selection.of(pods):
        name = pod["metadata"]["name"]
        found = _said(kubectl, pod, selection, warn)
        lines += ((line.instant, name, line.text) for line in found)
    for _, name, text in sorted(lines, key=lambda line: line[0]):
        log.line(name, text)


def _said(
    kubectl: Kubectl, pod: Json, selection: Selection, warn: Callable[[str], None]
) -> list[_Line]:
    """What a pod's container said; where it has crashed and said nothing since, what it said then.

    The log of a container that waits to be started again is that of its last run.
    """
    name, container = pod["metadata"]["name"], selection.container
    life = _life(pod, container)
    if life is None:
        return []
    found = _lines(kubectl.log(*_asked(name, container, *selection.options)))
    if found and life.waits:
        warn(f"{name}: {container} waits to be started again ({life.waits}); {_BELOW}")
    if found or not life.crashed:
        return found
    try:
        found = _lines(kubectl.log(*_asked(name, container, "--previous", *selection.options)))
    except ClusterError:  # its node keeps it no more
        return []
    if found:
        warn(f"{name}: {container} has said nothing since it was started again; {_BELOW}")
    return found


def _lines(said: bytes) -> list[_Line]:
    return [line for line in map(_Line.read, said.split(b"\n")) if line]


def follow(
    kubectl: Kubectl, app: str, selection: Selection, log: Log, gone: threading.Event
) -> None:
    """Write all lines as they come.

    Args:
        kubectl: The cluster.
        app: Whose log.
        selection: Which part of it.
        log: Where it is written.
        gone: Set once nobody reads it any more.

    Raises:
        MissingError: To begin with there is no such pod, or no such container.
        ClusterError: The pods cannot be listed to begin with.
    """
    selection.check(app_pods(kubectl, app))
    followed: dict[tuple[str, str], _Follower] = {}
    trouble = ""
    try:
        while not gone.is_set():
            try:
                pods = selection.of(app_pods(kubectl, app))
                trouble = ""
            except ClusterError as error:  # the API server is away: what is followed goes on
                if str(error) != trouble:
                    log.say(str(error))
                trouble, pods = str(error), []
            for pod in pods:
                _follow_pod(kubectl, pod, selection, log, followed)
            gone.wait(_LOOK)
    finally:
        for one in followed.values():
            one.close()


def _follow_pod(
    kubectl: Kubectl,
    pod: Json,
    selection: Selection,
    log: Log,
    followed: "dict[tuple[str, str], _Follower]",
) -> None:
    """Follow a pod's container, unless that is done already."""
    life = _life(pod, selection.container)
    if life is None:
        return
    key = (pod["metadata"]["uid"], life.container)
    former = followed.get(key)
    if former is None or (life.runs and not former.is_alive()):
        last = former.last if former else None
        name = pod["metadata"]["name"]
        followed[key] = _Follower(kubectl, name, selection, log, last, bool(life.waits))


@dataclass(frozen=True, slots=True)
class _Life:
    """One run of a container.

    Attributes:
        container: Its identifier; "": the kubelet knows it no more.
        runs: Whether it goes on.
        waits: Why the next one does not begin yet; "": it does not wait for one.
        crashed: Whether there was one before.
    """

    container: str
    runs: bool
    waits: str
    crashed: bool


def _life(pod: Json, container: str) -> _Life | None:
    """The container's present or last life, once there is a log of it."""
    for kind in ("containerStatuses", "initContainerStatuses"):
        for one in pod["status"].get(kind, ()):
            if one["name"] == container:
                return _read_life(one)
    return None


def _read_life(status: Json) -> _Life | None:
    state, former = status["state"], (status.get("lastState") or {}).get("terminated")
    if waiting := state.get("waiting"):
        if not former:
            return None
        return _Life(former.get("containerID", ""), False, waiting.get("reason", ""), True)
    return _Life(status.get("containerID", ""), "running" in state, "", bool(former))


class _Follower:
    """One `kubectl logs -f`; `last` is its last line, None: it had none yet.

    With `previous`, of a container that waits to be started again, it is `--previous`, which ends
    by itself.
    """

    def __init__(
        self,
        kubectl: Kubectl,
        pod: str,
        selection: Selection,
        log: Log,
        last: _Line | None,
        previous: bool,
    ) -> None:
        self.last = last
        self._kubectl = kubectl
        self._pod = pod
        self._selection = selection
        self._log = log
        self._kind = "--previous" if previous else "-f"
        self._end = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it still follows."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End it, and its kubectl, which would wait for the container's next line."""
        self._end.set()
        if self._process is not None:
            self._process.kill()
        self._thread.join()

    def _read(self) -> None:
        options = [f"--since-time={self.last.stamp}"] if self.last else self._selection.options
        asked = _asked(self._pod, self._selection.container, self._kind, *options)
        with self._kubectl.open("logs", *asked) as process:
            assert process.stdout
            self._process = process
            if self._end.is_set():
                return
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


def _asked(pod: str, container: str, *options: str) -> list[str]:
    return ["--timestamps", "-c", container, *options, pod]
