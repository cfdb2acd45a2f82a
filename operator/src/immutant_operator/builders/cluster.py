"""Where apps run.

Belongs here: what the operator is told of it, apart from any app.
"""

from dataclasses import dataclass

from immutant_operator.images import Images

__all__ = ["Cluster"]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The images, the cluster's DNS domain, and the version of the operator that builds."""

    images: Images
    domain: str = "cluster.local"
    version: str = ""
