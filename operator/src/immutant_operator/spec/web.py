"""How the app is reached: host, ingress, router, health check.

Belongs here: the fields under `spec.web`. Not here: the router's configuration.
"""

from typing import Annotated, Final

from pydantic import Field

from immutant_operator.spec.base import Model, Rule, Seconds, ruled

__all__ = ["NOTICE", "Health", "Ingress", "Router", "RouterStatus", "Web"]


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


_HOST = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


class Web(Model):
    """How the app is reached."""

    host: Annotated[str, Field(pattern=_HOST, max_length=253)] | None = None
    """The host name of the app, such as demo.example.org; without it there is no Ingress."""
    ingress: Ingress = Ingress()
    """The Ingress."""
    router: Router = Router()
    """The router."""
    health: Health = Health()
    """The health check."""

    @property
    def shutdown_delay(self) -> float:
        """Seconds until nobody sends new requests to a pod that has begun to leave."""
        return self.health.period + NOTICE if self.router.enabled else _PROPAGATION
