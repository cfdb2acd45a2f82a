"""The three containers of an app's pod.

Belongs here: command, ports, probes, resources of each. `member` and `runtime` are native sidecars:
they start first, in this order, and end last. Not here: volumes and placement of the pod; what
comes before them where the source is fetched (`fetching`).
"""

from typing import Final

from immutant.contract import names
from immutant_operator.builders import fetching, security
from immutant_operator.builders.metadata import Manifest
from immutant_operator.builders.variables import (
    app_variables,
    member_variables,
    runtime_variables,
)
from immutant_operator.images import Images
from immutant_operator.spec import App

__all__ = ["SHARED", "TOKEN", "TOKEN_FOLDER", "app_container", "member", "runtime"]

SHARED: Final = "shared"
TOKEN: Final = "token"  # noqa: S105 - a volume's name
TOKEN_FOLDER: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105
"""Where clients of the API server look for their account."""

_START: Final = {"periodSeconds": 1, "timeoutSeconds": 2}
"""The kubelet goes on to the next container only with a probe: every second, not every ten."""

_NEVER: Final = 1_000_000
"""Failures of a probe after which something is restarted that need not be."""

_MEMBER_OVERHEAD: Final = 192 << 20
"""What the JVM needs beside its heap."""


def member(app: App, images: Images, domain: str) -> Manifest:
    """The grid member."""
    memory = app.spec.cache.memory + _MEMBER_OVERHEAD
    health = {"path": "/hazelcast/health/ready", "port": names.MEMBER_PORT}
    return {
        **_sidecar("member", images.member, images),
        "env": member_variables(app, domain),
        "ports": _ports(hazelcast=names.MEMBER_PORT, metrics=names.MEMBER_METRICS_PORT),
        "startupProbe": {"httpGet": health, **_START, "failureThreshold": 120},
        "readinessProbe": {"httpGet": health, "periodSeconds": 2, "timeoutSeconds": 2},
        "livenessProbe": {
            "tcpSocket": {"port": names.MEMBER_PORT},
            "periodSeconds": 5,
            "failureThreshold": 6,
        },
        "resources": _memory(f"{memory >> 20}Mi", request=f"{memory >> 20}Mi", cpu="50m"),
        "volumeMounts": [security.scratch("member")[1]],
    }


def runtime(app: App, images: Images, domain: str) -> Manifest:
    """The sidecar; it alone holds the account's token."""
    return {
        **_sidecar("runtime", images.runtime, images),
        "command": ["python", "-m", "immutant.sidecar"],
        "env": runtime_variables(app, domain),
        "ports": _ports(ops=names.OPS_PORT),
        # The app starts once the member knows whose votes count. While no API server says so,
        # another sidecar would know no more than this one.
        "startupProbe": {"httpGet": _ops("/readyz"), **_START, "failureThreshold": _NEVER},
        "readinessProbe": {"httpGet": _ops("/readyz"), "periodSeconds": 2, "timeoutSeconds": 2},
        "livenessProbe": {"httpGet": _ops("/livez"), "periodSeconds": 5, "failureThreshold": 6},
        "resources": _memory("256Mi", request="96Mi", cpu="20m"),
        "volumeMounts": [
            {"name": SHARED, "mountPath": names.SHARED_FOLDER},
            {"name": TOKEN, "mountPath": TOKEN_FOLDER, "readOnly": True},
            security.scratch("runtime")[1],
        ],
    }


def app_container(app: App, images: Images, domain: str, *, source: bool) -> Manifest:
    """The user's code; `source` tells whether its source is mounted."""
    web = {"tcpSocket": {"port": names.APP_PORT}}
    mounts = [{"name": SHARED, "mountPath": names.SHARED_FOLDER}, security.scratch("app")[1]]
    container = {
        **_container("app", app.spec.image or images.runtime),
        "command": ["python", "-m", "immutant.serve", app.spec.serves],
        "env": app_variables(app, domain),
        "ports": _ports(web=names.APP_PORT),
        # Not GET /: the app would see, and log, a request for each probe.
        "startupProbe": {**web, "periodSeconds": 1, "failureThreshold": 300},
        "readinessProbe": {**web, "periodSeconds": 2},
        "resources": _app_resources(app),
        "volumeMounts": mounts,
    }
    if not app.spec.image:
        container["imagePullPolicy"] = images.pull_policy
    if app.spec.env_from:
        container["envFrom"] = list(app.spec.env_from)
    if source:
        container["workingDir"] = names.SOURCE_FOLDER
        mounts += _source_mounts(app)
        if app.spec.is_fetched:
            container["env"] = fetching.app_path(container["env"])
    return container


def _source_mounts(app: App) -> list[Manifest]:
    if app.spec.is_fetched:
        return fetching.app_mounts()
    return [{"name": fetching.SOURCE, "mountPath": names.SOURCE_FOLDER, "readOnly": True}]


def _container(name: str, image: str) -> Manifest:
    return {
        "name": name,
        "image": image,
        "securityContext": security.CONTAINER,
        # The last lines of a container that failed are in the pod's status, and in our condition.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _sidecar(name: str, image: str, images: Images) -> Manifest:
    container = _container(name, image)
    return {**container, "imagePullPolicy": images.pull_policy, "restartPolicy": "Always"}


def _app_resources(app: App) -> Manifest:
    stated = app.spec.resources.model_dump(by_alias=True)
    asked = {"cpu": "50m", "memory": "128Mi"} if not stated["requests"] else stated["requests"]
    return {"requests": asked, **({"limits": stated["limits"]} if stated["limits"] else {})}


def _memory(limit: str, *, request: str, cpu: str) -> Manifest:
    """No limit of CPU: throttled, a sidecar would miss its renewals."""
    return {"requests": {"cpu": cpu, "memory": request}, "limits": {"memory": limit}}


def _ops(path: str) -> Manifest:
    return {"path": path, "port": names.OPS_PORT}


def _ports(**ports: int) -> list[Manifest]:
    return [
        {"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports.items()
    ]
