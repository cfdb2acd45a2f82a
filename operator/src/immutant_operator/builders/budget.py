"""The PodDisruptionBudgets: node drains take as many pods as a rollout does, and one router."""

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.pace import Pace
from immutant_operator.spec import App

__all__ = ["budgets"]


def budgets(app: App) -> list[Manifest]:
    """The budget of the app's pods, and that of its routers."""
    built = [_budget(app, app.name, "app", Pace.of(app).at_once(app.spec.replicas))]
    if app.spec.web.router.enabled:
        built.append(_budget(app, names.router_name(app.name), "router", 1))
    return built


def _budget(app: App, name: str, component: str, most: int) -> Manifest:
    spec = {"maxUnavailable": most, "selector": {"matchLabels": app.selector(component)}}
    return manifest(app, "PodDisruptionBudget", name, "policy/v1", spec=spec)
