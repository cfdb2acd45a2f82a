"""The router: HAProxy in front of the app's pods.

Belongs here: its Deployment and its ConfigMap. Not here: the configuration itself (`haproxy`).
"""

import hashlib
import json
import math
from dataclasses import dataclass
from typing import Final

from immutant.contract import names
from immutant_operator.builders import security
from immutant_operator.builders.cluster import Cluster
from immutant_operator.builders.haproxy import haproxy_configuration
from immutant_operator.builders.metadata import Manifest, manifest, pod_labels
from immutant_operator.builders.monitors import annotations
from immutant_operator.images import Images
from immutant_operator.spec import App

__all__ = ["CONFIGURATION_FILE", "RouterPods", "router", "router_pods"]

_CONFIGURATION: Final = f"{names.ANNOTATION_PREFIX}configuration"
CONFIGURATION_FILE: Final = "haproxy.cfg"
_FOLDER: Final = "/etc/haproxy"

_FIRST_LOOK: Final = 3
"""Seconds, beyond a check's period, until a router that has started knows who is there.

HAProxy takes what the DNS names for good until its first check, and the DNS may name pods that have
gone half a minute ago. It needs a second to ask, and one until a connect to such a pod has failed.
"""

_PROPAGATION: Final = 5
"""Seconds that a router serves on before it stops: the Services forget it only a moment later."""


@dataclass(frozen=True, slots=True)
class RouterPods:
    """What the router's pods are made from.

    Attributes:
        configuration: The text of haproxy.cfg.
        template: Their template.
    """

    configuration: str
    template: Manifest


def router_pods(app: App, cluster: Cluster) -> RouterPods | None:
    """What the router's pods are made from; None when the router is off."""
    if not app.spec.web.router.enabled:
        return None
    text = haproxy_configuration(app, cluster.domain)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    stated = {_CONFIGURATION: digest, **annotations(cluster, names.ROUTER_STATUS_PORT)}
    metadata = {"labels": pod_labels(app, "router"), "annotations": stated}
    template = {"metadata": metadata, "spec": _pod(app, cluster.images)}
    return RouterPods(text, json.loads(json.dumps(template)))


def router(app: App, made_from: RouterPods | None) -> list[Manifest]:
    """The router's objects; none when the router is off."""
    if made_from is None:
        return []
    name = names.router_name(app.name)
    data = {CONFIGURATION_FILE: made_from.configuration}
    spec = _deployment(app, made_from.template)
    return [
        manifest(app, "ConfigMap", name, data=data),
        manifest(app, "Deployment", name, "apps/v1", spec=spec),
    ]


def _deployment(app: App, template: Manifest) -> Manifest:
    return {
        "replicas": app.spec.routers,
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": app.selector("router")},
        # A router that goes has its successor ready first.
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "template": template,
    }


def _pod(app: App, images: Images) -> Manifest:
    volume, mount = security.scratch("router")
    configuration = {"name": "configuration", "mountPath": _FOLDER, "readOnly": True}
    stated = {
        "nodeSelector": dict(app.spec.node_selector),
        "tolerations": list(app.spec.tolerations),
        "imagePullSecrets": [{"name": one.name} for one in app.spec.image_pull_secrets],
    }
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": security.POD,
        # What is at work has as long as in the app's pods.
        "terminationGracePeriodSeconds": _PROPAGATION + app.spec.termination_grace_period_seconds,
        "containers": [{**_container(app, images), "volumeMounts": [configuration, mount]}],
        "volumes": [
            {"name": "configuration", "configMap": {"name": names.router_name(app.name)}},
            volume,
        ],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": app.selector("router")},
                # Those of the former configuration go, and must not push the new ones together.
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
        **{key: value for key, value in stated.items() if value},
    }


def _container(app: App, images: Images) -> Manifest:
    health = {"httpGet": {"path": "/healthz", "port": names.ROUTER_STATUS_PORT}}
    return {
        "name": "router",
        "image": images.router,
        "imagePullPolicy": images.pull_policy,
        "command": ["haproxy", "-W", "-db", "-f", f"{_FOLDER}/{CONFIGURATION_FILE}"],
        "securityContext": security.CONTAINER,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "ports": [
            {"name": "web", "containerPort": names.ROUTER_PORT, "protocol": "TCP"},
            {"name": "status", "containerPort": names.ROUTER_STATUS_PORT, "protocol": "TCP"},
        ],
        "startupProbe": {
            **health,
            "initialDelaySeconds": math.ceil(app.spec.web.health.period) + _FIRST_LOOK,
            "periodSeconds": 1,
            "failureThreshold": 60,
        },
        "readinessProbe": {**health, "periodSeconds": 2},
        "livenessProbe": {**health, "periodSeconds": 5, "failureThreshold": 6},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_PROPAGATION)]}}},
        "resources": {
            "requests": {"cpu": "20m", "memory": "32Mi"},
            "limits": {"memory": "256Mi"},
        },
    }
