"""Archives in a cluster: ConfigMaps that never change, a few for each revision of an app.

Belongs here: their names, labels and annotations; storing, listing and removing them. Not here:
what is in an archive (`packing`), and which one an app runs (`deployment`).
"""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from immutant.contract import names
from immutant.errors import ClusterError, TakenError
from immutant.remote.apps import App, Archive
from immutant.remote.kubectl import Json, Kubectl

__all__ = ["KEPT", "Origin", "Revision", "history", "prune", "store", "used_by_pods"]

KEPT: Final = 5
"""Revisions that are kept, beside those that are in use."""

CHUNK: Final = 900 << 10
"""Bytes of a part: an object may have 1 MiB, in base64 on its way and with its metadata."""

_REVISION: Final = f"{names.ANNOTATION_PREFIX}revision"
_PUSHED: Final = f"{names.ANNOTATION_PREFIX}pushed-at"
_MESSAGE: Final = f"{names.ANNOTATION_PREFIX}message"
_AUTHOR: Final = f"{names.ANNOTATION_PREFIX}author"

_LONGEST: Final = 200
"""Characters of a commit's first line."""

_RETURNS: Final = 2
"""The last that served are kept too: one to go back to, now and once what is pushed has served."""

_UNFINISHED: Final = timedelta(hours=1)
"""For how long parts without the others are taken for a push that goes on."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an archive comes from.

    Attributes:
        revision: The commit, or `dir-TIME`.
        message: The first line of the commit, or the folder.
        author: Who wrote it.
    """

    revision: str
    message: str
    author: str


@dataclass(frozen=True, slots=True)
class Revision:
    """An archive that is there.

    Attributes:
        origin: Where it comes from.
        archive: What an app's source names.
        pushed: When it was pushed, in RFC 3339, by the clock of the one who pushed.
        created: When its first part was stored, in RFC 3339, by the cluster's clock.
        is_whole: Whether all of its parts are there.
    """

    origin: Origin
    archive: Archive
    pushed: str
    created: str
    is_whole: bool


def store(kubectl: Kubectl, app: App, packed: bytes, origin: Origin) -> Archive:
    """Store an archive; what of it is there already, from a push that was cut off, is not again.

    Raises:
        ClusterError: A part cannot be stored.
    """
    digest = hashlib.sha256(packed).hexdigest()
    chunks = [packed[at : at + CHUNK] for at in range(0, len(packed), CHUNK)]
    pushed = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    stored = []
    for number, chunk in enumerate(chunks):
        body = _part(app, digest, number, chunk, origin, pushed)
        try:
            kubectl.create(body)
        except TakenError:
            _check_same(kubectl, body)
        stored.append(body["metadata"]["name"])
    return Archive(tuple(stored), digest, origin.revision)


def _part(app: App, digest: str, number: int, chunk: bytes, origin: Origin, pushed: str) -> Json:
    owner = {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": names.KIND,
        "name": app.name,
        "uid": app.uid,
    }
    metadata = {
        "name": f"{app.name}-src-{names.source_label(digest)}-{number}",
        "namespace": app.namespace,
        "labels": {names.APP_LABEL: app.name, names.SOURCE_LABEL: names.source_label(digest)},
        "annotations": {
            _REVISION: origin.revision,
            _PUSHED: pushed,
            _MESSAGE: origin.message[:_LONGEST],
            _AUTHOR: origin.author[:_LONGEST],
        },
        "ownerReferences": [owner],
    }
    data = {names.PART_KEY: base64.b64encode(chunk).decode()}
    kind = {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True}
    return {**kind, "metadata": metadata, "binaryData": data}


def _check_same(kubectl: Kubectl, body: Json) -> None:
    name = body["metadata"]["name"]
    there = kubectl.get("configmap", name)
    owners = [one.get("uid") for one in there["metadata"].get("ownerReferences") or ()]
    mine = body["metadata"]["ownerReferences"][0]["uid"] in owners
    if there.get("binaryData") != body["binaryData"] or not mine:
        raise ClusterError(
            f"there is a ConfigMap {name} that is not of this source; look at it, and remove it: "
            f"kubectl delete configmap {name}"
        )


def history(kubectl: Kubectl, app: App) -> list[Revision]:
    """All archives of an app, the newest first; those of a former app of its name are none.

    Raises:
        ClusterError: They cannot be listed.
    """
    selector = f"{names.APP_LABEL}={app.name},{names.SOURCE_LABEL}"
    grouped: dict[str, list[Json]] = defaultdict(list)
    for body in kubectl.items("configmaps", "-l", selector):
        owners = [one.get("uid") for one in body["metadata"].get("ownerReferences") or ()]
        if app.uid in owners:
            grouped[body["metadata"]["labels"][names.SOURCE_LABEL]].append(body)
    revisions = [_revision(digest, parts) for digest, parts in grouped.items()]
    return sorted(revisions, key=lambda one: (one.created, one.pushed), reverse=True)


def _revision(label: str, parts: list[Json]) -> Revision:
    ordered = sorted(parts, key=lambda one: int(one["metadata"]["name"].rpartition("-")[2]))
    chunks = [
        base64.b64decode((one.get("binaryData") or {}).get(names.PART_KEY, "")) for one in ordered
    ]
    digest = hashlib.sha256(b"".join(chunks)).hexdigest()
    first = ordered[0]["metadata"]
    noted: Mapping[str, Any] = first.get("annotations") or {}
    origin = Origin(noted.get(_REVISION, ""), noted.get(_MESSAGE, ""), noted.get(_AUTHOR, ""))
    archive = Archive(tuple(one["metadata"]["name"] for one in ordered), digest, origin.revision)
    created = first["creationTimestamp"]
    is_whole = names.source_label(digest) == label
    return Revision(origin, archive, noted.get(_PUSHED, created), created, is_whole)


def used_by_pods(kubectl: Kubectl, app: App) -> set[str]:
    """The ConfigMaps that the app's pods name: they have their source from there.

    Raises:
        ClusterError: The pods cannot be listed.
    """
    pods = kubectl.items("pods", "-l", f"{names.APP_LABEL}={app.name}")
    return {name for pod in pods for name in _named(pod["spec"].get("volumes") or ())}


def _named(volumes: Iterable[Json]) -> Iterable[str]:
    for volume in volumes:
        for place in (volume, *(volume.get("projected") or {}).get("sources", ())):
            if name := (place.get("configMap") or {}).get("name"):
                yield str(name)


def prune(kubectl: Kubectl, app: App, former: Collection[str], now: datetime) -> list[Revision]:
    """Remove what is older than the last revisions, not in use and not gone back to; what was.

    Args:
        kubectl: The cluster.
        app: The app as it is now.
        former: The ConfigMaps of the source before: pods may be made from it yet.
        now: The time.

    Raises:
        ClusterError: Something cannot be listed or removed.
    """
    revisions = history(kubectl, app)
    current = app.archive.config_maps if app.archive is not None else ()
    kept = {*former, *current, *used_by_pods(kubectl, app)}
    whole = [one for one in revisions if one.is_whole]
    cut_off = [
        one
        for one in revisions
        if not one.is_whole and now - datetime.fromisoformat(one.created) > _UNFINISHED
    ]
    served = [one.sha256 for one in app.deployed if one.outcome == "served"][:_RETURNS]
    old = [one for one in whole[KEPT:] if one.archive.sha256 not in served]
    gone = [one for one in old + cut_off if kept.isdisjoint(one.archive.config_maps)]
    parts = [name for one in gone for name in one.archive.config_maps]
    if parts:
        kubectl.run("delete", "configmaps", *parts, "--ignore-not-found", "--wait=false")
    return gone
