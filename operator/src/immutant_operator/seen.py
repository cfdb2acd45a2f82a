"""What is kept of an object that was seen: the few facts that are decided by, not its content.

A thousand apps are some fifteen thousand objects; whole ones would be hundreds of megabytes.
Belongs here: the record, and reading it from the API server's JSON. Not here: keeping it (`store`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from immutant.contract import names
from immutant_operator.kinds import APP, CONFIG_MAP, LEASE, POD, STATEFULSET
from immutant_operator.objects import Json
from immutant_operator.observed import Pod, Scale
from immutant_operator.registry import Key

__all__ = ["Content", "Holder", "Part", "Seen", "version_of"]

_OTHERS: Final = {"managedFields", "resourceVersion", "generation"}
"""Fields of the metadata that change with each write, the status' included."""


class Part(NamedTuple):
    """An object that an app owns.

    Attributes:
        digest: Sixteen hexadecimal digits; others when anything but the status is another.
        scale: What a StatefulSet makes of its pods; None: it is none.
    """

    digest: str
    scale: Scale | None = None


class Holder(NamedTuple):
    """Who holds the Lease of a singleton, and since when."""

    holder: str
    since: str


Content: TypeAlias = Part | Pod | Holder | Json
"""What is decided by: of an ImmutantApp all of it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it was when last seen.

    Attributes:
        api: Its API version.
        kind: Its kind.
        namespace: Where it is.
        name: Its name.
        uid: Its UID.
        app: The app that it is of, by its label.
        version: Its resourceVersion. Those of one kind may be compared, and all of one API server
            can (KEP-5504; a promise of Kubernetes since 1.35, and so ever since there is etcd).
        owners: The UIDs of its owners.
        controller: The UID of the owner that made it and removes it; "": it has none.
        content: What is decided by.
    """

    api: str
    kind: str
    namespace: str
    name: str
    uid: str
    app: str
    version: int
    owners: frozenset[str]
    controller: str
    content: Content

    @property
    def key(self) -> Key:
        """Its namespace and name."""
        return self.namespace, self.name

    @property
    def owner(self) -> Key:
        """The app that it is of: namespace and name."""
        return self.namespace, self.app

    @property
    def digest(self) -> str:
        """The digest of an object that an app owns; empty for any other."""
        return self.content.digest if isinstance(self.content, Part) else ""

    @property
    def scale(self) -> Scale | None:
        """What a StatefulSet makes of its pods."""
        return self.content.scale if isinstance(self.content, Part) else None

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Seen | None":
        """What is to be kept of an object; None: it is not to be kept in view."""
        metadata = body["metadata"]
        is_app = body["kind"] == APP.name
        app = metadata["name"] if is_app else _label(metadata, names.APP_LABEL)
        content = _content(body) if app else None
        if content is None:
            return None
        return cls(
            api=body["apiVersion"],
            kind=body["kind"],
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            app=app,
            version=version_of(body),
            owners=frozenset(one["uid"] for one in _owners(metadata)),
            controller=next((one["uid"] for one in _owners(metadata) if one.get("controller")), ""),
            content=content,
        )


def version_of(body: Mapping[str, Any]) -> int:
    """The resourceVersion of an object or a list."""
    return int(body["metadata"]["resourceVersion"])


def _owners(metadata: Mapping[str, Any]) -> list[Json]:
    return metadata.get("ownerReferences") or []


def _content(body: Mapping[str, Any]) -> Content | None:
    metadata = body["metadata"]
    if body["kind"] == APP.name:
        return {**body, "metadata": _without(metadata, {"managedFields"})}
    if body["kind"] == CONFIG_MAP.name and _label(metadata, names.SOURCE_LABEL):
        return None
    if body["kind"] == LEASE.name:
        spec = body.get("spec") or {}
        is_held = _label(metadata, names.SINGLETON_LABEL)
        times = str(spec.get("holderIdentity") or ""), str(spec.get("acquireTime") or "")
        return Holder(*times) if is_held else None
    if body["kind"] == POD.name:
        # Others, such as the router's, are not numbered, and not looked at.
        is_own = _label(metadata, "app.kubernetes.io/component") == "app"
        is_numbered = metadata["name"].rpartition("-")[2].isdecimal()
        return Pod.read(body) if is_own and is_numbered else None
    return Part(_digest(body), Scale.read(body) if body["kind"] == STATEFULSET.name else None)


def _digest(body: Mapping[str, Any]) -> str:
    stated = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    whole = json.dumps([_without(body["metadata"], _OTHERS), stated], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _without(metadata: Mapping[str, Any], fields: set[str]) -> Json:
    return {key: value for key, value in metadata.items() if key not in fields}


def _label(metadata: Mapping[str, Any], name: str) -> str:
    return str((metadata.get("labels") or {}).get(name, ""))
