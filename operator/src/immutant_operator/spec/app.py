"""The ImmutantApp: its spec, and the app as the operator knows it.

Belongs here: the fields directly under `spec`, and the rules for the object as a whole.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, WithJsonSchema

from immutant.contract import names
from immutant_operator.spec.base import FreeForm, Model, Rule, ruled
from immutant_operator.spec.rollout import Nodes, Rollout
from immutant_operator.spec.singletons import Singletons
from immutant_operator.spec.source import Source
from immutant_operator.spec.web import NOTICE, Web
from immutant_operator.spec.workload import Cache, EnvVar, LocalReference, Resources

__all__ = ["NAME_RULES", "WELCOME", "App", "AppSpec"]

WELCOME: Final = "immutant.welcome:app"
"""What is served until there is a source or an image: an application of the runtime image."""

NAME_RULES: Final = (
    Rule(
        f"self.metadata.name.size() <= {names.LONGEST_APP_NAME}",
        f"metadata.name must be at most {names.LONGEST_APP_NAME} characters, because the names of "
        "pods, Services and Leases begin with it; choose a shorter one",
    ),
    Rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must begin with a letter and consist of a-z, 0-9 and '-', without dots, "
        "because Services are named by it; write it as in my-app",
    ),
    Rule(
        "!self.metadata.name.matches('-(members|web|ready|router)$')",
        "metadata.name must not end in -members, -web, -ready or -router: Services of the app with "
        "the shorter name are called so; choose another ending",
    ),
)

_ENV_LIST: Final = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
_FREE_LIST: Final = {
    "type": "array",
    "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
}
_ENTRYPOINT: Final = r"^[A-Za-z0-9_./-]+(:[A-Za-z_][A-Za-z0-9_]*)?$"


_APPS_SHARE: Final = (
    "self.terminationGracePeriodSeconds - (self.terminationGracePeriodSeconds / 3 < 10 ? "
    "self.terminationGracePeriodSeconds / 3 : 10)"
)
"""Seconds of a pod's grace that the app has; see `app_grace`."""

_REST: Final = 10
"""Seconds of a pod's grace that sidecar and member get, but at most a third of it."""


class AppSpec(Model):
    """What is to run, and how."""

    model_config = ruled(
        Rule(
            "!(has(self.source) && has(self.image))",
            "source and image exclude each other: with image the code is in the image; leave out "
            "one of them",
        ),
        # A pod serves on until the router has surely noticed that it leaves (`Web.shutdown_delay`),
        # and needs a second for what came last. (The schema's own default, {}, is judged too: as it
        # stands there, without the defaults of what is in it.)
        Rule(
            "!has(self.web) || !self.web.router.enabled || duration(self.web.health.period)"
            f".getMilliseconds() + {round(NOTICE * 1000) + 1000} <= 1000 * ({_APPS_SHARE})",
            "web.health.period is too long for terminationGracePeriodSeconds: the app has that "
            "less a third, at most 10s, and it must be 2.5s longer than the period, so that the "
            "router notices in time that a pod leaves; lower the one or raise the other",
        ),
    )

    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """How many pods run the app; 0: none, and what is only in memory is gone."""
    source: Source | None = None
    """Where the app's source is; without source and image the app is a welcome page."""
    image: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """An image of your own with the code in it, built on the runtime image."""
    entrypoint: Annotated[str, Field(pattern=_ENTRYPOINT, max_length=256)] = "app:app"
    """The application: a module or file, a colon, and the name of the App in it."""
    web: Web = Web()
    """How the app is reached."""
    cache: Cache = Cache()
    """The data grid."""
    singletons: Singletons = Singletons()
    """The timings of daemons and jobs."""
    rollout: Rollout = Rollout()
    """How a new version takes the place of the former one."""
    nodes: Nodes = Nodes()
    """What becomes of pods when nodes die."""
    env: Annotated[tuple[EnvVar, ...], Field(json_schema_extra=_ENV_LIST, max_length=256)] = ()
    """Environment variables of the app."""
    env_from: Annotated[tuple[FreeForm, ...], WithJsonSchema(_FREE_LIST)] = ()
    """ConfigMaps and Secrets whose keys are environment variables, as in a pod."""
    resources: Resources = Resources()
    """What the app's container asks for and may use."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels that a node must have."""
    affinity: FreeForm | None = None
    """Rules for the choice of nodes, as in a pod."""
    tolerations: Annotated[tuple[FreeForm, ...], WithJsonSchema(_FREE_LIST)] = ()
    """Taints that do not keep the pods away, as in a pod."""
    image_pull_secrets: tuple[LocalReference, ...] = ()
    """Secrets for pulling images."""
    pod_annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the pods."""
    termination_grace_period_seconds: Annotated[int, Field(ge=6, le=3600)] = 30
    """How long a pod may take to end; about two thirds of it are the app's."""

    @property
    def app_grace(self) -> float:
        """Seconds that the app has to drain; the rest of the pod's grace is for those after it."""
        whole = self.termination_grace_period_seconds
        return whole - min(_REST, whole // 3)

    @property
    def routers(self) -> int:
        """How many routers there are: one is a single point that a node can take along."""
        stated = self.web.router.replicas
        return stated if stated is not None else min(2, max(1, self.replicas))

    @property
    def is_fetched(self) -> bool:
        """Whether pods fetch the source themselves, before the app starts."""
        return self.source is not None and self.source.is_fetched

    @property
    def serves(self) -> str:
        """The entrypoint that is served: the user's, or the welcome page's."""
        return self.entrypoint if self.source or self.image else WELCOME


@dataclass(frozen=True, slots=True)
class App:
    """One ImmutantApp."""

    name: str
    namespace: str
    uid: str
    generation: int
    spec: AppSpec

    @property
    def key(self) -> tuple[str, str]:
        """Its namespace and name."""
        return self.namespace, self.name

    @property
    def labels(self) -> dict[str, str]:
        """The label by which everything of the app is found."""
        return {names.APP_LABEL: self.name}

    def selector(self, component: str) -> dict[str, str]:
        """The labels by which the app's pods (`app`) or the router's (`router`) are selected."""
        return {**self.labels, "app.kubernetes.io/component": component}

    @property
    def url(self) -> str:
        """Where the app is served: outside by its host, or inside by its Service."""
        web = self.spec.web
        if not web.names or not (web.ingress.enabled or web.gateway):
            return f"http://{self.name}.{self.namespace}"
        return f"{'https' if web.tls else 'http'}://{web.names[0]}"
