"""The PodDisruptionBudget: drains of nodes take one pod of an app at a time."""

from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["budget"]


def budget(app: App) -> Manifest:
    """The budget of the app's pods."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": app.selector("app")}}
    return manifest(app, "PodDisruptionBudget", app.name, "policy/v1", spec=spec)
