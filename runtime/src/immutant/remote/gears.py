"""The pods of an application as its gears: what each of them is about.

Belongs here: joining it from the pod, the application's status and the member's own metrics. Not
here: printing.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from immutant.contract import names
from immutant.errors import ClusterError
from immutant.remote.apps import App, PodRow
from immutant.remote.kubectl import Json, Kubectl
from immutant.remote.pods import app_pods, is_ready, leaves, statuses

__all__ = ["Gear", "gears"]

_OWNED: Final = re.compile(
    rb'^hazelcast_map_owned_entries\{map="cache\.[^"]*"\} (\S+)', re.MULTILINE
)
_LOOKS: Final = 8
"""Members that are asked at the same time."""


@dataclass(frozen=True, slots=True)
class Gear:
    """One pod of an application.

    Attributes:
        name: The pod.
        node: The node that it is on; "": none yet.
        state: running, starting, failed, stopped, leaving, or why it does not run, such as
            CrashLoopBackOff.
        ready: Whether it is given requests.
        member: Whether its member is in the grid, as the operator knows it.
        singletons: What it holds, as "daemon.NAME" and "job.NAME".
        entries: How many cache entries it owns, copies not counted; None: it does not tell.
        restarts: How often its containers were started again.
        failing: The container that has failed, and has not become ready since; "": none.
        trouble: Its last words, in one line; "": none.
    """

    name: str
    node: str
    state: str
    ready: bool
    member: bool
    singletons: tuple[str, ...]
    entries: int | None
    restarts: int
    failing: str = ""
    trouble: str = ""


def gears(kubectl: Kubectl, app: App) -> list[Gear]:
    """The pods of an application, with what each of them has."""
    pods = app_pods(kubectl, app.name)
    with ThreadPoolExecutor(_LOOKS) as looks:
        entries = list(looks.map(lambda pod: _entries(kubectl, app.namespace, pod), pods))
    rows = {row.name: row for row in app.pods}
    return [
        _gear(pod, app, rows.get(pod["metadata"]["name"]), count)
        for pod, count in zip(pods, entries, strict=True)
    ]


def _gear(pod: Json, app: App, row: PodRow | None, entries: int | None) -> Gear:
    name, (failing, trouble) = pod["metadata"]["name"], _failure(pod)
    return Gear(
        name=name,
        node=pod["spec"].get("nodeName", ""),
        state=_state(pod),
        ready=is_ready(pod) and leaves(pod) != "stopped",
        member=row is not None and row.member,
        singletons=tuple(f"{one.kind}.{one.name}" for one in app.holders if one.pod == name),
        entries=entries,
        restarts=sum(one.get("restartCount", 0) for one in statuses(pod)),
        failing=failing,
        trouble=trouble,
    )


def _state(pod: Json) -> str:
    if state := leaves(pod):
        return state
    for one in statuses(pod):
        now = one.get("state", {})
        reason = now.get("waiting", {}).get("reason", "")
        if reason not in ("", "PodInitializing", "ContainerCreating"):
            return str(reason)
        if now.get("terminated", {}).get("exitCode", 0) != 0:
            return "failed"
    return "running" if is_ready(pod) else "starting"


def _failure(pod: Json) -> tuple[str, str]:
    """The first container that has failed and is not ready since, and its last words."""
    for one in statuses(pod) if not leaves(pod) else ():
        ended = _last_failure(one)
        if ended is not None and not one.get("ready"):
            return one["name"], _last_words(ended)
    return "", ""


def _last_failure(status: Json) -> Json | None:
    for kind in ("state", "lastState"):
        ended: Json | None = (status.get(kind) or {}).get("terminated")
        if ended is not None and ended.get("exitCode") != 0:
            return ended
    return None


def _last_words(ended: Json) -> str:
    if ended.get("reason") == "OOMKilled":
        return "it took more memory than its limit allows"
    said = [line.strip() for line in (ended.get("message") or "").splitlines() if line.strip()]
    return said[-1] if said else f"it ended with status {ended.get('exitCode')}"


def _entries(kubectl: Kubectl, namespace: str, pod: Json) -> int | None:
    """The cache entries that a pod's member owns, by its metrics."""
    address = f"{pod['metadata']['name']}:{names.MEMBER_METRICS_PORT}"
    path = f"/api/v1/namespaces/{namespace}/pods/{address}/proxy/metrics"
    if not any(one.get("ready") for one in statuses(pod)):
        return None
    try:
        said = kubectl.run("get", "--raw", path)
    except ClusterError:  # it has just gone, or this account may not ask: the list is worth more
        return None
    return int(sum(float(number) for number in _OWNED.findall(said)))
