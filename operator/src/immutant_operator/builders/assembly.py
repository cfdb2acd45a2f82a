"""All objects of an app, in the order in which they are needed.

Belongs here: the list. Not here: any one of them.
"""

from dataclasses import dataclass

from immutant_operator.builders.budget import budgets
from immutant_operator.builders.httproute import http_route
from immutant_operator.builders.ingress import ingress
from immutant_operator.builders.metadata import Manifest
from immutant_operator.builders.policy import policies
from immutant_operator.builders.rbac import account
from immutant_operator.builders.router import router
from immutant_operator.builders.services import services
from immutant_operator.builders.snapshot import Source, snapshot
from immutant_operator.builders.statefulset import statefulset
from immutant_operator.images import Images
from immutant_operator.spec import App

__all__ = ["Cluster", "Payload", "everything"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where apps run: the images, and the cluster's DNS domain."""

    images: Images
    domain: str = "cluster.local"


@dataclass(frozen=True, slots=True)
class Payload:
    """What runs, beside the spec.

    Attributes:
        replicas: How many pods there are to be now.
        source: The source; None: none, the image has it.
        inputs: The digest of what the environment refers to.
        holds_drains: Whether no pod may be drained from its node for now.
    """

    replicas: int
    source: Source | None = None
    inputs: str | None = None
    holds_drains: bool = False


def everything(app: App, cluster: Cluster, payload: Payload) -> list[Manifest]:
    """All objects; the StatefulSet comes after what its pods need."""
    copies = [snapshot(app, payload.source)] if payload.source else []
    source = copies[0]["metadata"]["name"] if copies else None
    images, domain = cluster.images, cluster.domain
    return [
        *account(app),
        *policies(app),
        *copies,
        *services(app),
        *budgets(app, holds=payload.holds_drains),
        statefulset(app, images, domain, payload.replicas, source, payload.inputs),
        *router(app, images, domain),
        *ingress(app),
        *http_route(app),
    ]
