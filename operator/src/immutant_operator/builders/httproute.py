"""The HTTPRoute of an app, for the Gateway API.

Belongs here: the app's hosts at the Gateways that the spec names. Not here: Gateways and their
certificates, which are whoever runs them.
"""

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["http_route"]


def http_route(app: App) -> list[Manifest]:
    """The HTTPRoute; none where the spec names no Gateway."""
    web = app.spec.web
    if web.gateway is None:
        return []
    rules = [_rule("/", app.name, 80)]
    if web.router.enabled and web.router.status.public:
        rules.insert(
            0, _rule("/haproxy-status", names.router_name(app.name), names.ROUTER_STATUS_PORT)
        )
    spec: Manifest = {
        "parentRefs": [
            one.model_dump(by_alias=True, exclude_none=True) for one in web.gateway.parent_refs
        ],
        "hostnames": list(web.names),
        "rules": rules,
    }
    return [manifest(app, "HTTPRoute", app.name, "gateway.networking.k8s.io/v1", spec=spec)]


def _rule(path: str, service: str, port: int) -> Manifest:
    return {
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "backendRefs": [{"name": service, "port": port}],
    }
