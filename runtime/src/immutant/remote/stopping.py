"""Stopping a pod's part in its cluster, and starting it again.

The pod stays: its containers wait. Belongs here: asking it to, and noting it on the pod, for those
who look from outside. Not here: how its containers stop (`immutant.sidecar.stopping`).
"""

from datetime import UTC, datetime
from typing import Final

from immutant.contract import names
from immutant.errors import ClusterError
from immutant.remote.kubectl import Kubectl
from immutant.remote.pods import app_of, app_pods, found, serves

__all__ = ["start", "stop"]

_CONTAINER: Final = "runtime"
"""It is there whatever has become of the application."""

_PROGRAM: Final = ("python", "-P", "-m", "immutant.sidecar.stopping")


def stop(kubectl: Kubectl, pod: str, app: str = "", *, force: bool = False) -> str:
    """Stop a pod's application, sidecar and member; a sentence about it.

    The note comes first: of two who stop a pod each, the one sees that the other's goes too.

    Args:
        kubectl: Its cluster and namespace.
        pod: Which.
        app: The app that it is to be of; "": any.
        force: Whether to stop the last one that runs: what is only in memory is gone with it.

    Raises:
        MissingError: There is no such pod, or it is of another app.
        ClusterError: It is the last one, cannot be asked, or does not stop in time: it goes on
            with that.
    """
    app = app_of(found(kubectl, pod), app)
    note = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    _note(kubectl, pod, note)
    try:
        if not force:
            _check_others(kubectl, app, pod)
        kubectl.ask(pod, _CONTAINER, [*_PROGRAM, "stop"])
    except ClusterError:
        _note(kubectl, pod, None)
        raise
    kubectl.ask(pod, _CONTAINER, [*_PROGRAM, "wait"])
    return f"{pod} is stopped; start it again with `immutant start {pod}`"


def start(kubectl: Kubectl, pod: str, app: str = "") -> str:
    """Start a pod's application, sidecar and member again; a sentence about it.

    Args:
        kubectl: Its cluster and namespace.
        pod: Which.
        app: The app that it is to be of; "": any.

    Raises:
        MissingError: There is no such pod, or it is of another app.
        ClusterError: It cannot be asked.
    """
    app_of(found(kubectl, pod), app)
    kubectl.ask(pod, _CONTAINER, [*_PROGRAM, "start"])
    _note(kubectl, pod, None)
    return f"{pod} is starting"


def _check_others(kubectl: Kubectl, app: str, pod: str) -> None:
    """See that somebody goes on.

    Raises:
        ClusterError: Nobody would.
    """
    others = (one for one in app_pods(kubectl, app) if one["metadata"]["name"] != pod)
    if not any(map(serves, others)):
        raise ClusterError(
            f"no other pod of {app} runs, so that nobody would serve and what is only in memory "
            f"would be gone; start another one (immutant scale {app} 2), or say --force"
        )


def _note(kubectl: Kubectl, pod: str, when: str | None) -> None:
    change = {"metadata": {"annotations": {names.STOPPED_ANNOTATION: when}}}
    kubectl.patch("pod", pod, change)
