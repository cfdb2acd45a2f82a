"""How the app is reached: host, ingress, router, health check.

Belongs here: the fields under `spec.web`. Not here: the router's configuration.
"""

from typing import Annotated, Final

from pydantic import Field

from immutant_operator.spec.base import Model, Name, Rule, Seconds, ruled

__all__ = [
    "NOTICE",
    "Gateway",
    "Health",
    "Ingress",
    "ParentRef",
    "Router",
    "RouterStatus",
    "Tls",
    "Web",
]


_FAST: Final = 0.5
"""Seconds between two checks of a pod of which one has failed; two failures take it out."""

NOTICE: Final = _FAST + 1.0
"""Seconds, beyond the time until the next check, in which a router has surely taken a pod out that
answers checks with 503: the second check, and a margin for answers that take their time."""

_PROPAGATION: Final = 5.0
"""Seconds in which kube-proxies and ingress controllers have heard, by the API server, that a pod
leaves. They promise none; one to two are usual."""


class Ingress(Model):
    """The Ingress, made once there is a host."""

    enabled: bool = True
    """False: no Ingress; reach the app by its Service."""
    class_name: Annotated[str, Field(max_length=253)] | None = None
    """The ingress class; by default the cluster's default class."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations for the ingress controller."""


class Tls(Model):
    """The certificate of the app's hosts, at the Ingress."""

    model_config = ruled(
        Rule(
            "has(self.secretName) || has(self.issuer) || has(self.clusterIssuer)",
            "tls needs a certificate: name its Secret in secretName, or who is to make it in "
            "issuer or clusterIssuer",
        ),
        Rule(
            "!(has(self.issuer) && has(self.clusterIssuer))",
            "issuer and clusterIssuer exclude each other; write one of them",
        ),
    )

    secret_name: Name | None = None
    """The Secret that holds it; with an issuer, the one to be made: by default APP-tls."""
    issuer: Name | None = None
    """The cert-manager Issuer, in the app's namespace, that makes it."""
    cluster_issuer: Name | None = None
    """The cert-manager ClusterIssuer that makes it."""


class ParentRef(Model):
    """A Gateway, or one of its listeners."""

    name: Name
    """Its name."""
    namespace: Name | None = None
    """Its namespace; by default the app's."""
    section_name: Annotated[str, Field(max_length=253)] | None = None
    """The listener; by default all that fit."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The listener's port; by default any."""


class Gateway(Model):
    """The HTTPRoute, made beside the Ingress where the cluster has the Gateway API."""

    parent_refs: Annotated[tuple[ParentRef, ...], Field(min_length=1, max_length=32)]
    """The Gateways that the hosts are reached by."""


class RouterStatus(Model):
    """The router's status page, /haproxy-status."""

    public: bool = False
    """True: the Ingress leads to it. It shows the addresses of pods."""


class Router(Model):
    """The HAProxy between the Ingress and the pods."""

    enabled: bool = True
    """False: Service and Ingress lead to the pods, without cookies and health checks."""
    replicas: Annotated[int, Field(ge=1, le=10)] | None = None
    """How many routers; by default two once the app has two pods, else one."""
    status: RouterStatus = RouterStatus()
    """The router's status page."""


class Health(Model):
    """The router's health check of each pod."""

    model_config = ruled(
        Rule(
            "duration(self.period).getMilliseconds() >= 100",
            "period must be at least 100ms; 2s is usual",
        )
    )

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._~%/-]*$", max_length=256)] = "/"
    """What is asked for. Pods that answer with less than 400 get requests."""
    period: Seconds = 2.0
    """The time between two checks of a pod."""

    @property
    def fast_period(self) -> float:
        """Seconds between two checks of a pod of which one has failed."""
        return min(self.period, _FAST)


_SET: Final = {"x-kubernetes-list-type": "set"}

_HOST: Final = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


Host = Annotated[str, Field(pattern=_HOST, max_length=253)]


class Web(Model):
    """How the app is reached."""

    model_config = ruled(
        Rule(
            "!has(self.tls) || has(self.host) || size(self.hosts) > 0",
            "tls is for the app's hosts, and it has none; write one in host",
        ),
        Rule(
            "!has(self.gateway) || has(self.host) || size(self.hosts) > 0",
            "gateway is for the app's hosts, and it has none; write one in host",
        ),
    )

    host: Host | None = None
    """The host name of the app, such as demo.example.org; without one there is no Ingress."""
    hosts: Annotated[tuple[Host, ...], Field(max_length=15, json_schema_extra=_SET)] = ()
    """Further host names."""
    tls: Tls | None = None
    """The certificate; without it the Ingress has none, and the controller may use its own."""
    gateway: Gateway | None = None
    """The Gateways, of the Gateway API, that lead to the app beside or instead of the Ingress."""
    ingress: Ingress = Ingress()
    """The Ingress."""
    router: Router = Router()
    """The router."""
    health: Health = Health()
    """The health check."""

    @property
    def names(self) -> tuple[str, ...]:
        """All host names, each once, the app's own first."""
        return tuple(dict.fromkeys((*([self.host] if self.host else []), *self.hosts)))

    @property
    def shutdown_delay(self) -> float:
        """Seconds until nobody sends new requests to a pod that has begun to leave."""
        return self.health.period + NOTICE if self.router.enabled else _PROPAGATION
