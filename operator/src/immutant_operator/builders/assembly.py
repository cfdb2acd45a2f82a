"""All objects of an app, in the order in which they are needed.

Belongs here: the list. Not here: any one of them.
"""

from dataclasses import dataclass

from immutant_operator.builders.blueprint import Blueprint, blueprint
from immutant_operator.builders.budget import budgets
from immutant_operator.builders.cluster import Cluster
from immutant_operator.builders.httproute import http_route
from immutant_operator.builders.ingress import ingress
from immutant_operator.builders.metadata import Manifest
from immutant_operator.builders.monitors import pod_monitor
from immutant_operator.builders.policy import policies
from immutant_operator.builders.rbac import account
from immutant_operator.builders.router import router
from immutant_operator.builders.services import services
from immutant_operator.builders.snapshot import Source, snapshot
from immutant_operator.builders.statefulset import statefulset
from immutant_operator.spec import App

__all__ = ["Payload", "everything"]


@dataclass(frozen=True, slots=True)
class Payload:
    """What runs, beside the spec.

    Attributes:
        replicas: How many pods there are to be now.
        blueprint: What they are made from.
        source: What the copy of the source is made from; None: there is no copy.
        holds_drains: Whether no pod may be drained from its node for now.
    """

    replicas: int
    blueprint: Blueprint
    source: Source | None = None
    holds_drains: bool = False


def everything(app: App, payload: Payload, cluster: Cluster) -> list[Manifest]:
    """All objects; the StatefulSet comes after what its pods need, and after its blueprint."""
    pods = payload.blueprint.pods
    return [
        *account(app),
        *policies(app),
        *([snapshot(app, payload.source)] if payload.source else []),
        *services(app),
        *budgets(app, holds=payload.holds_drains),
        blueprint(app, payload.blueprint),
        statefulset(app, payload.replicas, pods.app),
        *router(app, pods.router),
        *ingress(app),
        *http_route(app),
        *pod_monitor(app, cluster),
    ]
