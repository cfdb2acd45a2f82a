"""The pods of an application: the gears of its cluster.

Belongs here: what each is about, joined from the pod, the application's status and the member's
own metrics. Not here: printing.
"""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from immutant.contract import names
from immutant.errors import ClusterError, MissingError
from immutant.remote.apps import App, PodRow
from immutant.remote.kubectl import Json, Kubectl

__all__ = [
    "Gear",
    "absent",
    "app_of",
    "app_pods",
    "check_container",
    "containers",
    "found",
    "gears",
    "serves",
]

_SELECTOR: Final = f"{names.APP_LABEL}={{app}},app.kubernetes.io/component=app"
_ANY: Final = f"{names.APP_LABEL},app.kubernetes.io/component=app"
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
        state: running, starting, stopped, leaving, or why it does not run, such as
            CrashLoopBackOff.
        ready: Whether it is given requests.
        member: Whether its member is in the grid, as the operator knows it.
        singletons: What it holds, as "daemon.NAME" and "job.NAME".
        entries: How many cache entries it owns, copies not counted; None: it does not tell.
        restarts: How often its containers were started again.
    """

    name: str
    node: str
    state: str
    ready: bool
    member: bool
    singletons: tuple[str, ...]
    entries: int | None
    restarts: int


def app_pods(kubectl: Kubectl, app: str) -> list[Json]:
    """The pods of an application, by number."""
    return _by_number(kubectl.items("pods", "-l", _SELECTOR.format(app=app)))


def found(kubectl: Kubectl, pod: str) -> Json:
    """A pod.

    Raises:
        MissingError: There is none of that name; the text names those of apps.
    """
    try:
        return kubectl.get("pod", pod)
    except MissingError as error:
        raise absent(pod, _by_number(kubectl.items("pods", "-l", _ANY))) from error


def absent(pod: str, there: Iterable[Json]) -> MissingError:
    """The error for a pod that is not among these."""
    if others := ", ".join(one["metadata"]["name"] for one in there):
        return MissingError(f"there is no pod {pod}; there are: {others}")
    return MissingError(
        f"there is no pod {pod}, nor any other of an app; `immutant apps -A` lists the apps of all "
        "namespaces, and -n NAME names one"
    )


def containers(pod: Json) -> Iterator[str]:
    """The names of a pod's containers, in the order in which they start."""
    for kind in ("initContainers", "containers"):
        yield from (one["name"] for one in pod["spec"].get(kind, ()))


def check_container(container: str, pods: Iterable[Json]) -> None:
    """Refuse a container that none of these pods has.

    Raises:
        MissingError: It is none of theirs; the text names those.
    """
    known = list(dict.fromkeys(name for pod in pods for name in containers(pod)))
    if known and container not in known:
        raise MissingError(
            f"there is no container {container} in the pods; there are: {', '.join(known)}"
        )


def app_of(kubectl: Kubectl, pod: str, expected: str = "") -> str:
    """The application that a pod is of.

    Args:
        kubectl: Its cluster and namespace.
        pod: Which.
        expected: The application that it is to be of; "": any.

    Raises:
        MissingError: There is no such pod, or it is none of an application's, or not of this one.
    """
    labels = found(kubectl, pod)["metadata"].get("labels") or {}
    if names.APP_LABEL not in labels:
        raise MissingError(f"the pod {pod} is none of an app's; see `immutant gears`")
    app = str(labels[names.APP_LABEL])
    if expected not in ("", app):
        raise MissingError(f"the pod {pod} is of the app {app}, and not of {expected}")
    return app


def _by_number(pods: list[Json]) -> list[Json]:
    return sorted(pods, key=lambda pod: (len(pod["metadata"]["name"]), pod["metadata"]["name"]))


def serves(pod: Json) -> bool:
    """Whether a pod is ready, and neither on its way out nor stopped."""
    return _is_ready(pod) and _leaves(pod) == ""


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
    name, statuses = pod["metadata"]["name"], list(_statuses(pod))
    return Gear(
        name=name,
        node=pod["spec"].get("nodeName", ""),
        state=_state(pod, statuses),
        ready=_is_ready(pod),
        member=row is not None and row.member,
        singletons=tuple(f"{one.kind}.{one.name}" for one in app.holders if one.pod == name),
        entries=entries,
        restarts=sum(one.get("restartCount", 0) for one in statuses),
    )


def _is_ready(pod: Json) -> bool:
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for one in pod["status"].get("conditions", ())
    )


def _leaves(pod: Json) -> str:
    """Whether a pod is `leaving` or `stopped`; "": neither."""
    if "deletionTimestamp" in pod["metadata"]:
        return "leaving"
    noted = pod["metadata"].get("annotations") or {}
    return "stopped" if names.STOPPED_ANNOTATION in noted else ""


def _state(pod: Json, statuses: Iterable[Json]) -> str:
    if state := _leaves(pod):
        return state
    for one in statuses:
        reason = one.get("state", {}).get("waiting", {}).get("reason", "")
        if reason not in ("", "PodInitializing", "ContainerCreating"):
            return str(reason)
    return "running" if _is_ready(pod) else "starting"


def _statuses(pod: Json) -> Iterable[Json]:
    for kind in ("initContainerStatuses", "containerStatuses"):
        yield from pod["status"].get(kind, ())


def _entries(kubectl: Kubectl, namespace: str, pod: Json) -> int | None:
    """The cache entries that a pod's member owns, by its metrics."""
    address = f"{pod['metadata']['name']}:{names.MEMBER_METRICS_PORT}"
    path = f"/api/v1/namespaces/{namespace}/pods/{address}/proxy/metrics"
    if not any(one.get("ready") for one in _statuses(pod)):
        return None
    try:
        said = kubectl.run("get", "--raw", path)
    except ClusterError:  # it has just gone, or this account may not ask: the list is worth more
        return None
    return int(sum(float(number) for number in _OWNED.findall(said)))
