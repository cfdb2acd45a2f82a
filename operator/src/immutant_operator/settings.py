"""What the operator is told through its environment.

Belongs here: the variables' names, meaning, parsing. The chart sets them. Not here: apps' specs.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import get_args

from immutant_operator.builders import Cluster, Monitoring
from immutant_operator.errors import SettingsError
from immutant_operator.images import Images

__all__ = ["Settings"]

_LONGEST_WATCH = 300
"""Seconds: one that hangs for longer than this is of no use to anybody."""

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's settings.

    Attributes:
        cluster: The images of the apps (IMMUTANT_RUNTIME_IMAGE, IMMUTANT_MEMBER_IMAGE,
            IMMUTANT_ROUTER_IMAGE, IMMUTANT_PULL_POLICY) and the cluster's DNS domain
            (IMMUTANT_CLUSTER_DOMAIN, default cluster.local).
        monitoring: How Prometheus is to find pods, `monitors`, `annotations` or `none`
            (IMMUTANT_MONITORING); None: by monitors where the cluster has them, else by annotations
            (`auto`). The monitors' labels are a JSON object (IMMUTANT_MONITOR_LABELS).
        namespace: Where the operator's own Lease is (IMMUTANT_OPERATOR_NAMESPACE, by default the
            pod's).
        identity: This replica, unlike all others (IMMUTANT_OPERATOR_IDENTITY).
        watched: The one namespace whose apps are looked after; None: all
            (IMMUTANT_WATCH_NAMESPACE).
        watch: Seconds after which a watch is ended and goes on by another connection
            (IMMUTANT_WATCH_SECONDS, default 50). One that hangs does so for 5 s longer at most.
        log_level: From which level on a line is logged: DEBUG, INFO, WARNING or ERROR
            (IMMUTANT_LOG_LEVEL, default INFO).
        port: Of health and metrics (IMMUTANT_OPERATOR_PORT, default 8081).
        kubeconfig: The API's address and credentials (KUBECONFIG); None: the pod's account.
    """

    cluster: Cluster
    namespace: str
    identity: str
    watched: str | None = None
    monitoring: Monitoring | None = None
    watch: int = 50
    log_level: str = "INFO"
    port: int = 8081
    kubeconfig: str | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Parse the environment.

        Raises:
            SettingsError: A variable is missing or malformed; the text names it.
        """
        port = environ.get("IMMUTANT_OPERATOR_PORT") or "8081"
        if not port.isdigit():
            raise SettingsError(f"IMMUTANT_OPERATOR_PORT must be a port's number, not {port!r}")
        watch = environ.get("IMMUTANT_WATCH_SECONDS") or "50"
        if not watch.isdigit() or not 1 <= int(watch) <= _LONGEST_WATCH:
            raise SettingsError(
                "IMMUTANT_WATCH_SECONDS must be whole seconds from 1 to "
                f"{_LONGEST_WATCH}, not {watch!r}"
            )
        monitoring = _monitoring(environ)
        return cls(
            cluster=Cluster(
                _images(environ),
                environ.get("IMMUTANT_CLUSTER_DOMAIN") or "cluster.local",
                metadata.version("immutant-operator"),
                monitoring or "none",
                _labels(environ, "IMMUTANT_MONITOR_LABELS"),
            ),
            monitoring=monitoring,
            namespace=_namespace(environ),
            identity=_need(environ, "IMMUTANT_OPERATOR_IDENTITY"),
            watched=environ.get("IMMUTANT_WATCH_NAMESPACE") or None,
            watch=int(watch),
            log_level=_log_level(environ),
            port=int(port),
            kubeconfig=environ.get("KUBECONFIG") or None,
        )


def _log_level(environ: Mapping[str, str]) -> str:
    level = environ.get("IMMUTANT_LOG_LEVEL") or "INFO"
    if level not in _LOG_LEVELS:
        raise SettingsError(
            f"IMMUTANT_LOG_LEVEL must be one of {', '.join(_LOG_LEVELS)}, not {level!r}"
        )
    return level


def _images(environ: Mapping[str, str]) -> Images:
    return Images(
        runtime=_need(environ, "IMMUTANT_RUNTIME_IMAGE"),
        member=_need(environ, "IMMUTANT_MEMBER_IMAGE"),
        router=_need(environ, "IMMUTANT_ROUTER_IMAGE"),
        pull_policy=environ.get("IMMUTANT_PULL_POLICY") or "IfNotPresent",
    )


def _monitoring(environ: Mapping[str, str]) -> Monitoring | None:
    said = environ.get("IMMUTANT_MONITORING") or "auto"
    known = {one: one for one in get_args(Monitoring)}
    if said not in known and said != "auto":
        raise SettingsError(
            f"IMMUTANT_MONITORING must be auto, monitors, annotations or none, not {said!r}"
        )
    return known.get(said)


def _labels(environ: Mapping[str, str], name: str) -> dict[str, str]:
    try:
        labels = json.loads(environ.get(name) or "{}")
    except ValueError:
        labels = None
    if not isinstance(labels, dict) or not all(isinstance(one, str) for one in labels.values()):
        raise SettingsError(f"{name} must be a JSON object of texts, such as {{}}")
    return labels


def _namespace(environ: Mapping[str, str]) -> str:
    named = environ.get("IMMUTANT_OPERATOR_NAMESPACE", "")
    if not named and _NAMESPACE_FILE.exists():
        named = _NAMESPACE_FILE.read_text().strip()
    if not named:
        raise SettingsError(
            "IMMUTANT_OPERATOR_NAMESPACE is not set, and this is no pod; set it to the namespace "
            "where the operator's Lease is to be"
        )
    return named


def _need(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set; the chart sets it, so install the operator by it")
    return value
