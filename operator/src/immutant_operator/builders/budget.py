"""The PodDisruptionBudgets: node drains take as many pods as a rollout does, and one router."""

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.pace import Pace
from immutant_operator.spec import App

__all__ = ["budgets"]


def budgets(app: App, *, holds: bool = False) -> list[Manifest]:
    """The budget of the app's pods, and that of its routers.

    Args:
        app: Whose.
        holds: Whether no pod of the app may be drained for now; routers have no copies to make.
    """
    most = 0 if holds else Pace.of(app).at_once(app.spec.replicas)
    built = [_budget(app, app.name, "app", most)]
    if app.spec.web.router.enabled:
        built.append(_budget(app, names.router_name(app.name), "router", 1))
    return built


def _budget(app: App, name: str, component: str, most: int) -> Manifest:
    spec = {"maxUnavailable": most, "selector": {"matchLabels": app.selector(component)}}
    return manifest(app, "PodDisruptionBudget", name, "policy/v1", spec=spec)
