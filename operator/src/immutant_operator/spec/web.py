"""How the app is reached: host, ingress, router, health check.

Belongs here: the fields under `spec.web`. Not here: the router's configuration.
"""

from typing import Annotated

from pydantic import Field

from immutant_operator.spec.base import Model, Rule, Seconds, ruled

__all__ = ["Health", "Ingress", "Router", "RouterStatus", "Web"]


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
    replicas: Annotated[int, Field(ge=1, le=10)] = 1
    """How many routers."""
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
