"""Stopping a pod's part in its cluster, and starting it again.

The pod stays: its containers wait. Belongs here: asking it to, and noting it on the pod, for those
who look from outside. Not here: how its containers stop (`immutant.serve.stopping`).
"""

from datetime import UTC, datetime
from typing import Final

from immutant.contract import names
from immutant.errors import ClusterError
from immutant.remote.kubectl import Kubectl
from immutant.remote.pods import app_of, app_pods

__all__ = ["start", "stop"]

_PROGRAM: Final = ("python", "-m", "immutant.serve.stopping")


def stop(kubectl: Kubectl, pod: str, *, force: bool = False) -> str:
    """Stop a pod's application, sidecar and member; a sentence about it.

    Args:
        kubectl: Its cluster and namespace.
        pod: Which.
        force: Whether to stop the last one that runs: what is only in memory is gone with it.

    Raises:
        MissingError: There is no such pod.
        ClusterError: It is the last one, or cannot be asked.
    """
    app = app_of(kubectl, pod)
    if not force and not _others_run(kubectl, app, pod):
        raise ClusterError(
            f"no other pod of {app} runs, so that nobody would serve and what is only in memory "
            f"would be gone; start another one (immutant scale {app} 2), or say --force"
        )
    note = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    _note(kubectl, pod, note)
    try:
        kubectl.ask(pod, "app", [*_PROGRAM, "stop"])
    except ClusterError:
        _note(kubectl, pod, None)
        raise
    return f"{pod} is stopped; start it again with `immutant start {pod}`"


def start(kubectl: Kubectl, pod: str) -> str:
    """Start a pod's application, sidecar and member again; a sentence about it."""
    app_of(kubectl, pod)
    kubectl.ask(pod, "app", [*_PROGRAM, "start"])
    _note(kubectl, pod, None)
    return f"{pod} is starting"


def _others_run(kubectl: Kubectl, app: str, pod: str) -> bool:
    others = (one for one in app_pods(kubectl, app) if one["metadata"]["name"] != pod)
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for one in others
        for condition in one["status"].get("conditions", ())
    )


def _note(kubectl: Kubectl, pod: str, when: str | None) -> None:
    change = {"metadata": {"annotations": {names.STOPPED_ANNOTATION: when}}}
    kubectl.patch("pod", pod, change)
