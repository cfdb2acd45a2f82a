"""Where apps run.

Belongs here: what the operator is told of it, apart from any app.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from immutant_operator.images import Images

__all__ = ["Cluster", "Monitoring"]

Monitoring = Literal["monitors", "annotations", "none"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What all apps have in common.

    Attributes:
        images: What their pods run.
        domain: The cluster's DNS domain.
        version: The version of the operator that builds.
        monitoring: How Prometheus finds the pods.
        monitor_labels: Labels of the monitors, by which it finds these.
    """

    images: Images
    domain: str = "cluster.local"
    version: str = ""
    monitoring: Monitoring = "none"
    monitor_labels: Mapping[str, str] = field(default_factory=dict)
