"""The pods of an application: finding them, and refusing what is none of theirs.

Belongs here: what a pod itself says. Not here: what its application's status and its member say of
it (`gears`).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from immutant.contract import names
from immutant.errors import MissingError
from immutant.remote.kubectl import Json, Kubectl

__all__ = [
    "absent",
    "app_of",
    "app_pods",
    "check_container",
    "containers",
    "found",
    "is_ready",
    "leaves",
    "serves",
    "statuses",
]

_SELECTOR: Final = f"{names.APP_LABEL}={{app}},app.kubernetes.io/component=app"
_ANY: Final = f"{names.APP_LABEL},app.kubernetes.io/component=app"


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


def app_of(pod: Json, expected: str = "") -> str:
    """The application that a pod is of.

    Args:
        pod: The pod, as it was `found`.
        expected: The application that it is to be of; "": any.

    Raises:
        MissingError: It is none of an application's, or not of this one.
    """
    name, labels = pod["metadata"]["name"], pod["metadata"].get("labels") or {}
    if names.APP_LABEL not in labels:
        raise MissingError(f"the pod {name} is none of an app's; see `immutant gears`")
    app = str(labels[names.APP_LABEL])
    if expected not in ("", app):
        raise MissingError(f"the pod {name} is of the app {app}, and not of {expected}")
    return app


def _by_number(pods: list[Json]) -> list[Json]:
    return sorted(pods, key=lambda pod: (len(pod["metadata"]["name"]), pod["metadata"]["name"]))


def serves(pod: Json) -> bool:
    """Whether a pod is ready, and neither on its way out nor stopped."""
    return is_ready(pod) and leaves(pod) == ""


def is_ready(pod: Json) -> bool:
    """Whether the kubelet says that a pod is ready; that one is not it knows after some probes."""
    return any(
        one["type"] == "Ready" and one["status"] == "True"
        for one in pod["status"].get("conditions", ())
    )


def leaves(pod: Json) -> str:
    """Whether a pod is `leaving` or `stopped`; "": neither."""
    if "deletionTimestamp" in pod["metadata"]:
        return "leaving"
    noted = pod["metadata"].get("annotations") or {}
    return "stopped" if names.STOPPED_ANNOTATION in noted else ""


def statuses(pod: Json) -> Iterator[Json]:
    """What the kubelet says of each container, in the order in which they start."""
    for kind in ("initContainerStatuses", "containerStatuses"):
        yield from pod["status"].get(kind, ())
