"""A lease as an object of the Kubernetes API, and back.

Belongs here: which field goes where. Not here: requests (`leases`).

What others read of a Lease is where they look for it: `kubectl get leases` shows the holder, and
tools that judge by `renewTime` and `leaseDurationSeconds` judge right. What only the election needs
is in annotations. An object that is not as it was written, by whatever hand, is a malformed record:
it exists, and proves nothing (rule 5).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from immutant.contract.names import (
    ANNOTATION_PREFIX,
    APP_LABEL,
    GROUP,
    KIND,
    SINGLETON_LABEL,
    UID_LABEL,
    VERSION,
)
from immutant.contract.records import kind_and_name
from immutant.errors import StoreError
from immutant.kube.names import object_name, record_name
from immutant.leases import Lease

__all__ = ["Former", "Owner", "from_object", "to_object", "version_of"]

_MANAGER: Final = "immutant-runtime"
_MEMBER: Final = "member"
_TEXTS: Final = ("holder", "member", "nonce", "write", "released", "ended", "body")


@dataclass(frozen=True, slots=True)
class Owner:
    """The ImmutantApp whose leases these are.

    Attributes:
        namespace: Where it is.
        app: Its name.
        uid: Its UID: an app that was deleted and created again inherits nothing.
    """

    namespace: str
    app: str
    uid: str


@dataclass(frozen=True, slots=True)
class Former:
    """What a write must know of the object that it replaces, beside its version.

    Attributes:
        version: The object's version.
        uid: Its UID. The API server *creates* a Lease that a PUT finds missing, whatever
            version it names; only with a UID in it is such a PUT refused.
        holder: The holder that was shown; this and the next two are for people and other tools.
        acquired: Since when.
        transitions: How often the holder has changed.
    """

    version: int = 0
    uid: str = ""
    holder: str = ""
    acquired: str = ""
    transitions: int = 0

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Former":
        """Read it from an object."""
        spec = _mapping(found.get("spec"))
        transitions = spec.get("leaseTransitions")
        return cls(
            version_of(found),
            str(_mapping(found.get("metadata")).get("uid") or ""),
            str(spec.get("holderIdentity") or ""),
            str(spec.get("acquireTime") or ""),
            transitions if isinstance(transitions, int) else 0,
        )

    def followed_by(self, holder: str, now: str) -> "Former":
        """What it is once this holder has written ("": it was given back)."""
        if not holder or holder == self.holder:
            return replace(self, holder=holder, acquired=self.acquired or now)
        return replace(self, holder=holder, acquired=now, transitions=self.transitions + 1)


def to_object(
    lease: Lease, expect: int, owner: Owner, former: Former, wall: float
) -> dict[str, Any]:
    """The object that keeps a lease.

    Args:
        lease: The lease.
        expect: The version that it is to replace, 0 for none.
        owner: Whose it is.
        former: Of the object that it is to replace.
        wall: The API server's calendar, for people to read.
    """
    now = datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds")
    given_back = lease.ended or lease.released
    shown = former.followed_by("" if given_back else lease.holder, now)
    replaced = {"resourceVersion": str(expect), "uid": former.uid} if expect else {}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": _metadata(lease, owner) | replaced,
        "spec": {
            # None where it was given back: an empty text is refused.
            "holderIdentity": shown.holder or None,
            "leaseDurationSeconds": max(1, math.ceil(lease.duration)),
            "acquireTime": shown.acquired,
            "renewTime": now,
            "leaseTransitions": shown.transitions,
        },
    }


def _metadata(lease: Lease, owner: Owner) -> dict[str, Any]:
    annotations = {"record": lease.name, "duration": repr(lease.duration)}
    annotations |= {"former": json.dumps(lease.former)}
    annotations |= {name: getattr(lease, name) for name in _TEXTS}
    return {
        "name": object_name(lease.name),
        "namespace": owner.namespace,
        "labels": {
            APP_LABEL: owner.app,
            UID_LABEL: owner.uid,
            "app.kubernetes.io/managed-by": _MANAGER,
            **_kind_label(lease),
        },
        "annotations": {ANNOTATION_PREFIX + key: value for key, value in annotations.items()},
        # With the ImmutantApp its leases go, by Kubernetes' own garbage collection.
        "ownerReferences": [
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": KIND,
                "name": owner.app,
                "uid": owner.uid,
            }
        ],
    }


def _kind_label(lease: Lease) -> dict[str, str]:
    kind, _ = kind_and_name(lease.name)
    return {} if kind == _MEMBER else {SINGLETON_LABEL: kind}


def from_object(found: Mapping[str, Any], owner: Owner) -> Lease:
    """The lease that an object keeps, with an empty holder where it is malformed or foreign."""
    metadata = _mapping(found.get("metadata"))
    labels, notes = _mapping(metadata.get("labels")), _mapping(metadata.get("annotations"))
    name = _record(metadata, notes)
    lease = _lease(name, version_of(found), notes)
    if lease is None or labels.get(UID_LABEL) != owner.uid:
        return Lease(name, version_of(found))
    shown = "" if lease.ended or lease.released else lease.holder
    if (_mapping(found.get("spec")).get("holderIdentity") or "") != shown:
        return Lease(name, version_of(found))
    return lease


def version_of(found: Mapping[str, Any]) -> int:
    """An object's or a list's version: an integer, by Kubernetes' contract since 1.35.

    Raises:
        StoreError: There is none; this is not what the API server says.
    """
    version = _mapping(found.get("metadata")).get("resourceVersion")
    if not isinstance(version, str) or not version.isdecimal():
        raise StoreError(f"the API server's answer has no version: {str(found)[:200]}")
    return int(version)


def _record(metadata: Mapping[str, Any], notes: Mapping[str, Any]) -> str:
    """The record's name, also where somebody has changed the annotation that says it."""
    name, noted = str(metadata.get("name", "")), notes.get(f"{ANNOTATION_PREFIX}record")
    try:
        if isinstance(noted, str) and object_name(noted) == name:
            return noted
    except ValueError:
        pass  # a hand wrote there what no record is called
    return record_name(name)


def _lease(name: str, version: int, notes: Mapping[str, Any]) -> Lease | None:
    try:
        texts = {key: str(notes[ANNOTATION_PREFIX + key]) for key in _TEXTS}
        former = json.loads(notes[f"{ANNOTATION_PREFIX}former"])
        duration = float(notes[f"{ANNOTATION_PREFIX}duration"])
    except (KeyError, ValueError, RecursionError):
        return None
    if not isinstance(former, list) or not math.isfinite(duration) or not texts["nonce"]:
        return None
    return Lease(name, version, former=tuple(map(str, former)), duration=duration, **texts)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
