"""What things are called in a cluster: kind, labels, objects, containers, ports, files.

Belongs here: every name that two programs must agree on. Not here: what is done with it.
"""

from typing import Final

__all__ = [
    "ANNOTATION_PREFIX",
    "APP_LABEL",
    "APP_LOCK",
    "APP_PORT",
    "CHECK_HEADER",
    "CONSOLE",
    "CONTAINERS",
    "COORDINATOR_PORT",
    "GROUP",
    "KIND",
    "LONGEST_APP_NAME",
    "MANAGER",
    "MEMBER_METRICS_PORT",
    "MEMBER_PORT",
    "OPS_PORT",
    "PACKAGES_FOLDER",
    "PARTS_FOLDER",
    "PART_KEY",
    "PLURAL",
    "READY_CHECK",
    "ROUTER_PORT",
    "ROUTER_STATUS_PORT",
    "ROUTE_COOKIE",
    "SECRET_FOLDER",
    "SHARED_FOLDER",
    "SINGLETON_LABEL",
    "SOURCE_FOLDER",
    "SOURCE_LABEL",
    "SOURCE_STEPS",
    "STOPPED_ANNOTATION",
    "TOPOLOGY_PORT",
    "UID_LABEL",
    "VERSION",
    "WORKSHOP_FOLDER",
    "grid_name",
    "members_service",
    "ready_service",
    "router_name",
    "service_account",
    "source_label",
    "web_service",
]

GROUP: Final = "immutant.org"
VERSION: Final = "v1alpha1"
KIND: Final = "ImmutantApp"
PLURAL: Final = "immutantapps"

APP_LABEL: Final = "immutant.org/app"
"""On everything that belongs to an app, Leases included: the app's name."""

UID_LABEL: Final = "immutant.org/app-uid"
"""On an app's Leases: the ImmutantApp's UID, so that a re-created app inherits nothing."""

SINGLETON_LABEL: Final = "immutant.org/singleton"
"""On the Leases of daemons and jobs, and not on those of members: `daemon` or `job`.

Whoever wants to hear of tenures watches by it, and is spared the renewals, one a second a pod.
"""

SOURCE_LABEL: Final = "immutant.org/source"
"""On the ConfigMaps that hold the parts of a source's archive: the digest's first ten digits.

They are their maker's: the operator keeps none of them in view, and removes none.
"""

ANNOTATION_PREFIX: Final = "immutant.org/"

CHECK_HEADER: Final = "x-immutant-check"
"""The header of a router's health check; it is taken out of what comes from outside."""

READY_CHECK: Final = "ready"
"""What that header says where the process is asked, and not the application's page."""

ROUTE_COOKIE: Final = "IMMUTANT_ROUTE"
"""The cookie by which a browser stays on its pod."""

LONGEST_APP_NAME: Final = 40
"""Longer ones do not fit into the labels that Kubernetes derives from them (63 characters)."""

CONTAINERS: Final = ("app", "runtime", "member")
"""The containers of an app's pod."""

APP_PORT: Final = 8080
"""The application's web server."""

COORDINATOR_PORT: Final = 7070
"""The sidecar's API, on loopback alone."""

OPS_PORT: Final = 7071
"""The sidecar's health and metrics."""

MEMBER_PORT: Final = 5701
"""The grid member, for members and clients of the same app alone."""

TOPOLOGY_PORT: Final = 5702
"""Who owns and who backs up a key: the member's own answers, on loopback alone."""

MANAGER: Final = "immutant-operator"
"""Who manages an app's objects: label, and field manager of server-side apply."""

MEMBER_METRICS_PORT: Final = 5703
"""The member's Prometheus metrics."""

ROUTER_PORT: Final = 8080
"""The router's web entry."""

ROUTER_STATUS_PORT: Final = 8404
"""The router's /haproxy-status and /metrics."""

SHARED_FOLDER: Final = "/run/immutant"
"""An emptyDir that the containers `app` and `runtime` share."""

APP_LOCK: Final = f"{SHARED_FOLDER}/app.lock"
"""Locked by the application while it lives."""

STOPPED_ANNOTATION: Final = f"{ANNOTATION_PREFIX}stopped"
"""On a pod that somebody has stopped, for those who look from outside: when, in RFC 3339."""

CONSOLE: Final = f"{SHARED_FOLDER}/console.sock"
"""Where the application answers who looks into it; of its own user alone."""

SOURCE_FOLDER: Final = "/app"
"""Where the application's source lies; the container `app` works in it."""

PACKAGES_FOLDER: Final = "/packages"
"""Where the packages that the source requires lie, in the container `app`."""

SOURCE_STEPS: Final = ("source", "packages")
"""The containers that come before all others where the source is fetched: the one fetches it, the
other installs what it requires."""

WORKSHOP_FOLDER: Final = "/workshop"
"""An emptyDir in which these two work; its folders `app` and `packages` are what `app` gets."""

PARTS_FOLDER: Final = "/run/immutant/parts"
"""Where the container `source` finds the parts of an archive: the files 00, 01 and so on."""

PART_KEY: Final = "part"
"""The key of a ConfigMap that holds a part."""

SECRET_FOLDER: Final = "/run/immutant/secret"  # noqa: S105 - a folder
"""Where the container `source`, and no other, finds the Secret of a git repository."""


def service_account(app: str) -> str:
    """The account of an app's pods.

    The chart's admission policy takes the app's name from it: keep the two in step.
    """
    return f"immutant-app-{app}"


def members_service(app: str) -> str:
    """The headless Service of all members, those not ready included."""
    return f"{app}-members"


def source_label(sha256: str) -> str:
    """The value of the label SOURCE_LABEL for an archive of this digest."""
    return sha256[:10]


def web_service(app: str) -> str:
    """The headless Service of the pods whose application is ready."""
    return f"{app}-web"


def ready_service(app: str) -> str:
    """The same pods behind one address, which kube-proxy keeps up to date."""
    return f"{app}-ready"


def router_name(app: str) -> str:
    """The router's Deployment, configuration and status Service."""
    return f"{app}-router"


def grid_name(namespace: str, uid: str) -> str:
    """The Hazelcast cluster's name: apps of one name, or one app created twice, never join."""
    return f"{namespace}.{uid}"
