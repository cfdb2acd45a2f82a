"""What all objects of an app have in common: names, labels, the owner.

Belongs here: metadata. Not here: any one kind.
"""

from typing import Any

from immutant.contract import names
from immutant_operator.spec import App

__all__ = ["Manifest", "manifest", "metadata", "pod_labels"]

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


def manifest(app: App, kind: str, name: str, version: str = "v1", **body: Any) -> Manifest:  # noqa: ANN401 - JSON
    """An object of the app: labelled, and owned, so that it goes when the app goes."""
    return {"apiVersion": version, "kind": kind, "metadata": metadata(app, name), **body}


def metadata(app: App, name: str) -> Manifest:
    """The metadata of an object of the app."""
    return {
        "name": name,
        "namespace": app.namespace,
        "labels": _labels(app),
        "ownerReferences": [
            {
                "apiVersion": f"{names.GROUP}/{names.VERSION}",
                "kind": names.KIND,
                "name": app.name,
                "uid": app.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def _labels(app: App) -> dict[str, str]:
    return {
        **app.labels,
        "app.kubernetes.io/name": app.name,
        "app.kubernetes.io/managed-by": names.MANAGER,
    }


def pod_labels(app: App, component: str) -> dict[str, str]:
    """The labels of the app's pods (`app`) or the router's (`router`)."""
    return {**_labels(app), "app.kubernetes.io/component": component}
