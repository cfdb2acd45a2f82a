"""What is wrong with a cluster or an app in it, in sentences.

Belongs here: the questions, from the ground up; each finding says what to do. Not here: printing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from immutant._version import __version__
from immutant.contract import names
from immutant.errors import ClusterError, UnreachableError
from immutant.remote.apps import App, of_namespace, read
from immutant.remote.gears import Gear, gears
from immutant.remote.kubectl import INSTALL, Json, Kubectl
from immutant.remote.pods import app_pods

__all__ = ["Finding", "examine"]

_DEFINITION: Final = f"customresourcedefinition/{names.PLURAL}.{names.GROUP}"
_OPERATOR: Final = f"app.kubernetes.io/name={names.MANAGER}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        is_wrong: Whether something is to be done.
        sentence: What was found, and what to do.
        is_unreached: Whether it is that there is no cluster to talk to.
    """

    is_wrong: bool
    sentence: str
    is_unreached: bool = False

    @property
    def exit_code(self) -> int:
        """The exit code of a command that found this and nothing worse."""
        return 2 if self.is_unreached else int(self.is_wrong)


def examine(kubectl: Kubectl, name: str = "") -> Iterator[Finding]:
    """Look at the cluster, and at one app or all of the namespace."""
    try:
        kubectl.run("get", "--raw", "/readyz")
    except ClusterError as error:
        yield Finding(True, str(error), is_unreached=isinstance(error, UnreachableError))
        return
    yield _good("the cluster answers")
    yield from _operator(kubectl)
    try:
        apps = [read(kubectl, name)] if name else of_namespace(kubectl)
    except ClusterError as error:
        yield _bad(str(error))
        return
    if not apps:
        yield _good("there is no app in this namespace; `immutant create NAME` makes one")
    for app in apps:
        yield from _app(kubectl, app)


def _operator(kubectl: Kubectl) -> Iterator[Finding]:
    try:
        kubectl.get(_DEFINITION)
    except ClusterError as error:
        if "forbidden" not in str(error):
            yield _bad(f"the definition of ImmutantApps is missing: {error}")
            return
    try:
        found = kubectl.items("deployments", "--all-namespaces", "-l", _OPERATOR)
    except ClusterError:
        yield _good("your account may not look at the operator; its namespace is not yours")
        return
    if not found:
        yield _bad(f"no operator is installed, so that nothing follows what is applied: {INSTALL}")
    for one in found:
        yield _deployed(one)


def _deployed(deployment: Json) -> Finding:
    metadata, status = deployment["metadata"], deployment.get("status") or {}
    where = f"{metadata['name']} in {metadata['namespace']}"
    wanted, ready = deployment["spec"].get("replicas", 1), status.get("readyReplicas", 0)
    if not ready:
        return _bad(
            f"the operator {where} has no ready pod: kubectl -n {metadata['namespace']} describe "
            f"deployment {metadata['name']}"
        )
    version = (metadata.get("labels") or {}).get("app.kubernetes.io/version", "")
    other = version[:1].isdigit() and version.split(".")[:2] != __version__.split(".")[:2]
    told = f"; it is of version {version}, this program of {__version__}" if other else ""
    return _good(f"the operator {where} runs, {ready} of {wanted} ready{told}")


def _app(kubectl: Kubectl, app: App) -> Iterator[Finding]:
    trouble = app.trouble
    if trouble:
        yield _bad(f"{app.name}: {trouble}")
    elif app.observed != app.generation:
        yield _bad(f"{app.name}: the operator has not looked at its last change yet: wait a moment")
    elif app.replicas == 0:
        yield _bad(f"{app.name} is scaled to 0, and has no data: immutant scale {app.name} 2")
        return
    else:
        yield _good(f"{app.name}: {app.ready} pods are ready, served at {app.url}")
    yield from _conditions(app)
    yield from _pods(kubectl, app)
    for failing in app.failing:
        yield _bad(f"{app.name}: the daemon {failing} fails again and again; its log says why")
    for job in app.jobs:
        if job.outcome not in ("", "ok"):
            yield _bad(f"{app.name}: the job {job.name} last ended so: {job.outcome}")
    yield from _scheduling(kubectl, app)


def _pods(kubectl: Kubectl, app: App) -> Iterator[Finding]:
    for gear in gears(kubectl, app):
        if gear.state == "stopped":
            yield _bad(f"{gear.name} is stopped: immutant start {gear.name}")
        elif gear.failing or gear.state not in ("running", "starting", "leaving"):
            yield _bad(_failed(app, gear))
        elif gear.restarts > _MANY:
            yield _bad(
                f"{gear.name} was started again {gear.restarts} times: kubectl logs {gear.name} "
                "-c app --previous"
            )


_MANY: Final = 5
"""Restarts of a pod's containers that are worth a word."""


def _failed(app: App, gear: Gear) -> str:
    by = f", {gear.failing}: {gear.trouble}" if gear.failing else ""
    where = "" if gear.failing in ("", "app") else f" -c {gear.failing}"
    see = f"immutant logs {app.name} --pod {gear.name}{where}"
    return f"{gear.name}: {gear.state}{by}; see {see}"


def _conditions(app: App) -> Iterator[Finding]:
    safe, risk = app.conditions.get("GridSafe"), app.conditions.get("DataAtRisk")
    if safe is not None and safe.status == "False":
        yield _bad(f"{app.name}: the grid is not safe: {safe.message}")
    if risk is not None and risk.status == "True":
        yield _bad(f"{app.name}: data is at risk: {risk.message}")


def _scheduling(kubectl: Kubectl, app: App) -> Iterator[Finding]:
    """Pods that share a node die together."""
    nodes = [pod["spec"].get("nodeName") for pod in app_pods(kubectl, app.name)]
    if len(nodes) > 1 and len({node for node in nodes if node}) == 1:
        yield _bad(f"{app.name}: all pods are on the node {nodes[0]}, whose loss would lose all")


def _good(sentence: str) -> Finding:
    return Finding(is_wrong=False, sentence=sentence)


def _bad(sentence: str) -> Finding:
    return Finding(is_wrong=True, sentence=sentence)
