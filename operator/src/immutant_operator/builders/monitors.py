"""How Prometheus finds an app's pods: a PodMonitor, or annotations of the pods.

Belongs here: the object and the annotations. Not here: which of them a cluster is given
(`immutant_operator.monitoring`).
"""

from typing import Final

from immutant.contract import names
from immutant_operator.builders.cluster import Cluster
from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.spec import App

__all__ = ["annotations", "pod_monitor"]

_PORTS: Final = ("ops", "metrics", "status")
"""The ports of sidecar, member and router, by name; a pod is asked at those that it has."""


def pod_monitor(app: App, cluster: Cluster) -> list[Manifest]:
    """The PodMonitor of all the app's pods; none where pods have annotations, or nothing."""
    if cluster.monitoring != "monitors":
        return []
    spec: Manifest = {
        "selector": {"matchLabels": dict(app.labels)},
        # Dashboards and alerts tell apps apart by it, as the label immutant_org_app.
        "podTargetLabels": [names.APP_LABEL],
        "podMetricsEndpoints": [{"port": port, "path": "/metrics"} for port in _PORTS],
    }
    built = manifest(app, "PodMonitor", app.name, "monitoring.coreos.com/v1", spec=spec)
    built["metadata"]["labels"] = {**cluster.monitor_labels, **built["metadata"]["labels"]}
    return [built]


def annotations(cluster: Cluster, port: int) -> dict[str, str]:
    """What pods say to a Prometheus that looks for annotations; they have room for one port."""
    if cluster.monitoring != "annotations":
        return {}
    prefix = "prometheus.io"
    return {f"{prefix}/scrape": "true", f"{prefix}/port": str(port), f"{prefix}/path": "/metrics"}
