"""The Ingress of an app.

Belongs here: hosts, certificates, paths, class, and what ingress controllers read of annotations.
Not here: the Services, one of which has annotations too (`services`).
"""

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["ingress"]


def ingress(app: App) -> list[Manifest]:
    """The Ingress; none without a host."""
    web = app.spec.web
    if not web.names or not web.ingress.enabled:
        return []
    paths = [_path("/", app.name, 80)]
    if web.router.enabled and web.router.status.public:
        paths.insert(
            0, _path("/haproxy-status", names.router_name(app.name), names.ROUTER_STATUS_PORT)
        )
    spec: Manifest = {"rules": [{"host": one, "http": {"paths": paths}} for one in web.names]}
    if web.tls is not None:
        spec["tls"] = [
            {"hosts": list(web.names), "secretName": web.tls.secret_name or f"{app.name}-tls"}
        ]
    if web.ingress.class_name is not None:
        spec["ingressClassName"] = web.ingress.class_name
    built = manifest(app, "Ingress", app.name, "networking.k8s.io/v1", spec=spec)
    if annotations := _annotations(app):
        built["metadata"]["annotations"] = annotations
    return [built]


def _annotations(app: App) -> dict[str, str]:
    """Ours, and the user's, which win."""
    web = app.spec.web
    return {
        **_certificate(app),
        **({} if web.router.enabled else _AFFINITY),
        **web.ingress.annotations,
    }


def _certificate(app: App) -> dict[str, str]:
    """Who makes the certificate: https://cert-manager.io/docs/usage/ingress/."""
    tls = app.spec.web.tls
    if tls is not None and tls.cluster_issuer is not None:
        return {"cert-manager.io/cluster-issuer": tls.cluster_issuer}
    if tls is not None and tls.issuer is not None:
        return {"cert-manager.io/issuer": tls.issuer}
    return {}


_NGINX = "nginx.ingress.kubernetes.io"

_AFFINITY = {
    f"{_NGINX}/affinity": "cookie",
    f"{_NGINX}/session-cookie-name": names.ROUTE_COOKIE,
    f"{_NGINX}/session-cookie-change-on-failure": "true",
}
"""By which ingress-nginx keeps a browser on its pod, and gives it another when that one fails:
https://kubernetes.github.io/ingress-nginx/examples/affinity/cookie/."""


def _path(path: str, service: str, port: int) -> Manifest:
    backend = {"service": {"name": service, "port": {"number": port}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}
