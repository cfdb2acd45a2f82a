"""The Ingress of an app.

Belongs here: host, paths, class. Not here: the Service.
"""

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["ingress"]


def ingress(app: App) -> list[Manifest]:
    """The Ingress; none without a host."""
    if not app.has_ingress:
        return []
    web = app.spec.web
    paths = [_path("/", app.name, 80)]
    if web.router.enabled and web.router.status.public:
        paths.insert(
            0, _path("/haproxy-status", names.router_name(app.name), names.ROUTER_STATUS_PORT)
        )
    spec: Manifest = {"rules": [{"host": web.host, "http": {"paths": paths}}]}
    if web.ingress.class_name is not None:
        spec["ingressClassName"] = web.ingress.class_name
    built = manifest(app, "Ingress", app.name, "networking.k8s.io/v1", spec=spec)
    if web.ingress.annotations:
        built["metadata"]["annotations"] = dict(web.ingress.annotations)
    return [built]


def _path(path: str, service: str, port: int) -> Manifest:
    backend = {"service": {"name": service, "port": {"number": port}}}
    return {"path": path, "pathType": "Prefix", "backend": backend}
