"""A blueprint: what an app's pods are made from, beside what that was made of.

It is kept in a ControllerRevision, the kind for states that do not change: whoever may not write
StatefulSets may not write these either, and whoever may read it may read those. Belongs here: its
content, its object, reading it back. Not here: which one is used (`immutant_operator.keeping`).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.builders.pods import Pods
from immutant_operator.builders.router import RouterPods
from immutant_operator.spec import App

__all__ = ["Basis", "Blueprint", "blueprint", "newest"]

_KIND = "ControllerRevision"


@dataclass(frozen=True, slots=True)
class Basis:
    """What pods are made of: what users have written.

    Attributes:
        spec: The app's spec, as the API server holds it.
        source: What the source is fixed to, if there is one: the ConfigMap that holds its copy,
            the digest of its archive, or the commit.
        inputs: The digest of what the environment refers to, if anything.
    """

    spec: Manifest
    source: str | None = None
    inputs: str | None = None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """What an app's pods are made from.

    Attributes:
        basis: What users had written when it was last looked at.
        pods: What the pods are made from.
        version: The version of the operator that made the app's; "": it is not known.
        number: Greater than that of every former one of the app.
    """

    basis: Basis
    pods: Pods
    version: str
    number: int = 1


def blueprint(app: App, kept: Blueprint) -> Manifest:
    """The object that keeps it; another content has another name."""
    data = {
        "version": kept.version,
        "spec": kept.basis.spec,
        "source": kept.basis.source or "",
        "inputs": kept.basis.inputs or "",
        "pods": kept.pods.app,
    }
    if kept.pods.router is not None:
        data["router"] = {
            "configuration": kept.pods.router.configuration,
            "pods": kept.pods.router.template,
        }
    whole = json.dumps([data, kept.number], sort_keys=True)
    name = f"{app.name}-blueprint-{hashlib.sha256(whole.encode()).hexdigest()[:10]}"
    return manifest(app, _KIND, name, "apps/v1", data=data, revision=kept.number)


def newest(app: App, objects: Iterable[Manifest]) -> Blueprint | None:
    """The last blueprint among an app's objects; None: there is none that can be read."""
    own = (one for one in objects if one["kind"] == _KIND and _is_of(one, app.uid))
    found = [known for one in own if (known := _read(one)) is not None]
    return max(found, key=lambda known: known.number, default=None)


def _is_of(body: Manifest, uid: str) -> bool:
    """The StatefulSet's controller keeps such objects too: those are the StatefulSet's."""
    return any(owner["uid"] == uid for owner in body["metadata"].get("ownerReferences", ()))


def _read(body: Manifest) -> Blueprint | None:
    """What an object keeps; None where another version of the operator keeps it otherwise."""
    try:
        data: dict[str, Any] = body["data"]
        router = data.get("router")
        return Blueprint(
            Basis(dict(data["spec"]), data["source"] or None, data["inputs"] or None),
            Pods(
                dict(data["pods"]),
                RouterPods(router["configuration"], router["pods"]) if router else None,
            ),
            data["version"],
            int(body["revision"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
