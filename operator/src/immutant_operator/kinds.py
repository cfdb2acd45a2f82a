"""Which kinds of objects the operator keeps in view, and by which labels it finds them.

Belongs here: the tables. Not here: asking (`rounds`), watching (`handlers`), what is kept (`seen`).
"""

from dataclasses import dataclass
from typing import Final

from immutant.contract import names

__all__ = [
    "APP",
    "CONFIG_MAP",
    "DEPLOYMENT",
    "KEPT",
    "LEASE",
    "OWNED",
    "POD",
    "REVISION",
    "STATEFULSET",
    "Kind",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of objects.

    Attributes:
        version: Its API version.
        name: Its name, such as `StatefulSet`.
        selector: The labels of the objects that are kept in view; "": all of them.
        everywhere: Whether every cluster has it, and every chart gives the rights to it.
        lasts: Whether an app has it as long as it is there: the operator has no right to delete
            any.
    """

    version: str
    name: str
    selector: str = names.APP_LABEL
    everywhere: bool = True
    lasts: bool = False


APP: Final = Kind(f"{names.GROUP}/{names.VERSION}", names.KIND, selector="")

POD: Final = Kind("v1", "Pod", f"{names.APP_LABEL},app.kubernetes.io/component=app")

LEASE: Final = Kind("coordination.k8s.io/v1", "Lease", names.SINGLETON_LABEL)
"""Those of daemons and jobs. Members renew theirs each second: these are read when needed."""

CONFIG_MAP: Final = Kind("v1", "ConfigMap", f"{names.APP_LABEL},!{names.SOURCE_LABEL}")
"""Those that the operator makes. Parts of a source's archive are large, and their maker's."""
DEPLOYMENT: Final = Kind("apps/v1", "Deployment")
STATEFULSET: Final = Kind("apps/v1", "StatefulSet", lasts=True)

REVISION: Final = Kind(
    "apps/v1", "ControllerRevision", f"{names.APP_LABEL},!controller.kubernetes.io/hash"
)
"""An app's blueprints. The StatefulSet's controller makes others with the labels of its pods: it
gives them this label besides, and they are its own."""

OWNED: Final = (
    CONFIG_MAP,
    Kind("v1", "Service"),
    Kind("v1", "ServiceAccount", lasts=True),
    REVISION,
    DEPLOYMENT,
    STATEFULSET,
    Kind("networking.k8s.io/v1", "Ingress"),
    Kind("networking.k8s.io/v1", "NetworkPolicy"),
    Kind("policy/v1", "PodDisruptionBudget"),
    Kind("rbac.authorization.k8s.io/v1", "Role", lasts=True),
    Kind("rbac.authorization.k8s.io/v1", "RoleBinding", lasts=True),
    Kind("gateway.networking.k8s.io/v1", "HTTPRoute", everywhere=False),
    Kind("monitoring.coreos.com/v1", "PodMonitor", everywhere=False),
)
"""Everything that an app may have; what is of these kinds and wanted no more is removed, but for
those that last."""

KEPT: Final = (APP, *OWNED, POD, LEASE)
"""Everything in view; the apps come first, so that what they own is younger."""
