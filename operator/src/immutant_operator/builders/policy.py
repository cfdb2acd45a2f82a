"""The NetworkPolicies: who reaches which port of an app's pods.

Whoever reaches a member's port is in the grid, so that port is for the app's own pods alone.
Belongs here: ports and peers. Not here: what the pods may reach, which is up to the user.
"""

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["policies"]


def policies(app: App) -> list[Manifest]:
    """The policy of the app's pods, and the router's."""
    own, router = _pods(app, "app"), _pods(app, "router")
    routed = app.spec.web.router.enabled
    inner = [
        _allow([names.MEMBER_PORT], own),
        _allow([names.APP_PORT], router if routed else None),
        _allow([names.OPS_PORT, names.MEMBER_METRICS_PORT], None),
    ]
    built = [_policy(app, app.name, "app", inner)]
    if routed:
        outer = [_allow([names.ROUTER_PORT, names.ROUTER_STATUS_PORT], None)]
        built.append(_policy(app, names.router_name(app.name), "router", outer))
    return built


def _policy(app: App, name: str, component: str, rules: list[Manifest]) -> Manifest:
    spec = {
        "podSelector": {"matchLabels": app.selector(component)},
        "policyTypes": ["Ingress"],
        "ingress": rules,
    }
    return manifest(app, "NetworkPolicy", name, "networking.k8s.io/v1", spec=spec)


def _allow(ports: list[int], peers: Manifest | None) -> Manifest:
    """A rule for ports: from these pods of the namespace, or from anywhere."""
    rule: Manifest = {"ports": [{"protocol": "TCP", "port": port} for port in ports]}
    return rule if peers is None else {**rule, "from": [peers]}


def _pods(app: App, component: str) -> Manifest:
    return {"podSelector": {"matchLabels": app.selector(component)}}
