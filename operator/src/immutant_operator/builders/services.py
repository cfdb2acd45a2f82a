"""The Services of an app.

Belongs here: which names lead where. Not here: what comes in from outside (`ingress`).
"""

from typing import Final

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["services"]


def services(app: App) -> list[Manifest]:
    """All Services of the app."""
    routed = app.spec.web.router.enabled
    return [
        _members(app),
        _web(app),
        _entry(app, "router" if routed else "app"),
        *([_ready(app), _status(app)] if routed else []),
    ]


def _members(app: App) -> Manifest:
    """All members, those not ready included: they find each other before they are ready."""
    return _headless(app, names.members_service(app.name), "hazelcast", names.MEMBER_PORT, True)


def _web(app: App) -> Manifest:
    """The pods that are ready: the router's servers."""
    return _headless(app, names.web_service(app.name), "web", names.APP_PORT, False)


def _ready(app: App) -> Manifest:
    """The same pods behind one address, for a router that does not know them from the DNS yet."""
    spec = {
        "selector": app.selector("app"),
        "ports": [_port("web", names.APP_PORT, names.APP_PORT)],
    }
    return manifest(app, "Service", names.ready_service(app.name), spec=spec)


def _headless(app: App, name: str, port_name: str, port: int, not_ready: bool) -> Manifest:
    spec = {
        "clusterIP": "None",
        "publishNotReadyAddresses": not_ready,
        "selector": app.selector("app"),
        "ports": [_port(port_name, port, port)],
    }
    return manifest(app, "Service", name, spec=spec)


def _entry(app: App, component: str) -> Manifest:
    """The app, for clients in the cluster and for the Ingress."""
    target = names.ROUTER_PORT if component == "router" else names.APP_PORT
    spec = {"selector": app.selector(component), "ports": [_port("web", 80, target)]}
    built = manifest(app, "Service", app.name, spec=spec)
    if component == "app":
        built["metadata"]["annotations"] = dict(_AFFINITY)
    return built


_STICKY: Final = "traefik.ingress.kubernetes.io/service.sticky.cookie"

_AFFINITY: Final = {
    _STICKY: "true",
    f"{_STICKY}.name": names.ROUTE_COOKIE,
    f"{_STICKY}.httponly": "true",
}
"""By which Traefik keeps a browser on its pod; it reads the Service, ingress-nginx the Ingress:
https://doc.traefik.io/traefik/routing/providers/kubernetes-ingress/."""


def _status(app: App) -> Manifest:
    port = names.ROUTER_STATUS_PORT
    spec = {"selector": app.selector("router"), "ports": [_port("status", port, port)]}
    return manifest(app, "Service", names.router_name(app.name), spec=spec)


def _port(name: str, port: int, target: int) -> Manifest:
    return {"name": name, "port": port, "targetPort": target, "protocol": "TCP"}
