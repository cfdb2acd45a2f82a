"""What an app's pods may ask of the API server: the Leases of their own app.

RBAC can tell kinds and namespaces apart, but not names that do not exist yet: that an account
writes no other app's Leases is the chart's admission policy's part.
"""

from immutant.contract import names
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["account"]

_VERSION = "rbac.authorization.k8s.io/v1"


def account(app: App) -> list[Manifest]:
    """The pods' account, its Role, and the binding of the two."""
    name = names.service_account(app.name)
    rule = {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["get", "list", "watch", "create", "update"],
    }
    subject = {"kind": "ServiceAccount", "name": name, "namespace": app.namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return [
        manifest(app, "ServiceAccount", name, automountServiceAccountToken=False),
        manifest(app, "Role", name, _VERSION, rules=[rule]),
        manifest(app, "RoleBinding", name, _VERSION, subjects=[subject], roleRef=role),
    ]
