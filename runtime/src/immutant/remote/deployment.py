"""Pointing an app at a source, so that no two who do it at once undo each other.

Belongs here: the order of a deployment: the archive is stored, and then one change of the app names
it. Whatever is cut off before has changed nothing. Not here: following the rollout (`rollout`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from immutant.contract import names
from immutant.errors import ClusterError, ConfigurationError, OvertakenError
from immutant.remote import archive, compiling, packing
from immutant.remote.amounts import counted, sized
from immutant.remote.apps import BRANCH, App, Archive, read
from immutant.remote.archive import Origin
from immutant.remote.kubectl import Json, Kubectl

__all__ = ["Package", "Say", "deploy", "point", "restart"]

Say = Callable[[str], None]
"""Where a line for the user goes."""

_TRIES: Final = 10
"""The operator's reports come in between, and change the app's resourceVersion."""


_RESTARTED: Final = f"{names.ANNOTATION_PREFIX}restarted-at"


@dataclass(frozen=True, slots=True)
class Package:
    """What is to be deployed.

    Attributes:
        entries: The files.
        moment: The time of all files, in seconds since 1970.
        origin: Where they come from.
        branch: The branch that was pushed; "": none was.
    """

    entries: Sequence[packing.Entry]
    moment: int
    origin: Origin
    branch: str = ""


def deploy(kubectl: Kubectl, app: App, package: Package, say: Say) -> App | None:
    """Store a package and point the app at it; the app after it, None: it runs that already.

    Args:
        kubectl: The cluster.
        app: The app as it was when it was decided to deploy.
        package: What to deploy.
        say: Told of each step.

    Raises:
        ConfigurationError: The source lacks what the app needs, or the app has an image.
        ValueRefusedError: The source is too large, or has what cannot be packed.
        ClusterError: The cluster refuses, or somebody else deployed meanwhile.
    """
    _check(app, package, say)
    packed = packing.pack(package.entries, package.moment)
    parts = -(-len(packed) // archive.CHUNK)
    say(f"Packed {counted(len(package.entries), 'file')}, {sized(len(packed))}")
    stored = archive.store(kubectl, app, packed, package.origin)
    say(f"Stored in {counted(parts, 'ConfigMap')}: {', '.join(stored.config_maps)}")
    if app.archive is not None and app.archive.sha256 == stored.sha256:
        return None
    after = point(kubectl, app, stored, package.branch)
    former = app.archive.config_maps if app.archive is not None else ()
    _tidy(kubectl, after, former, say)
    return after


def _check(app: App, package: Package, say: Say) -> None:
    if app.image:
        raise ConfigurationError(
            f"{app.name} runs the image {app.image}, and a source beside it is none; to deploy "
            f"sources from now on, remove it first: kubectl patch {names.PLURAL} {app.name} "
            """--type merge -p '{"spec":{"image":null}}'"""
        )
    packing.check_entrypoint(package.entries, app.entrypoint, app.name)
    for fault in compiling.check(package.entries, app.entrypoint):
        say(f"Note: {fault}")


def _tidy(kubectl: Kubectl, app: App, former: tuple[str, ...], say: Say) -> None:
    """Remove what is old; that it fails is no reason to call a deployment failed."""
    try:
        archive.prune(kubectl, app, former, datetime.now(UTC))
    except ClusterError as error:
        say(f"Old revisions stay for now: {error}")


def point(kubectl: Kubectl, seen: App, source: Archive, branch: str = "") -> App:
    """Let an app run an archive, if its source is still what it was when it was seen.

    The answer to the change may be lost, as any answer may: it is asked whether it was made.

    Returns:
        The app after it.

    Raises:
        OvertakenError: Somebody else has changed the source.
        ClusterError: The change was refused, or the cluster is not reached.
    """
    now = seen
    for _ in range(_TRIES):
        try:
            return App.read(kubectl.patch(names.PLURAL, seen.name, _change(now, source, branch)))
        except OvertakenError:
            now = read(kubectl, seen.name)
            if now.uid != seen.uid or now.source != seen.source:
                raise OvertakenError(_overtaken(now)) from None
        except ClusterError:
            now = read(kubectl, seen.name)
            if now.archive != source:
                raise
            return now
    raise OvertakenError(
        f"{seen.name} changes all the time, {_TRIES} times while this was tried; look at it: "
        f"kubectl get {names.PLURAL} {seen.name} --watch"
    )


def _change(app: App, source: Archive, branch: str) -> Json:
    """The source and nothing else, and only while the app is as it was read."""
    noted = {"annotations": {BRANCH: branch}} if branch else {}
    return {
        "metadata": {"resourceVersion": app.version, **noted},
        "spec": {"source": {**dict.fromkeys(app.source), "archive": source.to_spec()}},
    }


def _overtaken(now: App) -> str:
    what = now.archive.revision if now.archive is not None else "another source"
    return (
        f"somebody else has deployed {what} to {now.name} meanwhile; look at it (immutant history "
        f"{now.name}) and do it again"
    )


def restart(kubectl: Kubectl, name: str) -> App:
    """Let all pods of an app be replaced; the app after it.

    Raises:
        ClusterError: There is no such app, or the change was refused.
    """
    app = read(kubectl, name)
    if app.replicas == 0:
        raise ConfigurationError(
            f"{name} has no pods to restart; immutant scale {name} 2 gives it some"
        )
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change = {"spec": {"podAnnotations": {_RESTARTED: moment}}}
    return App.read(kubectl.patch(names.PLURAL, name, change))
