"""What the Kubernetes API keeps for an application: its Leases.

The law of this package: it knows objects, requests and versions. What a lease means is the
election's to know.
"""

from immutant.kube.access import configuration
from immutant.kube.client import KubeClient, Observer
from immutant.kube.leases import KubeLeases
from immutant.kube.records import Owner

__all__ = ["KubeClient", "KubeLeases", "Observer", "Owner", "configuration"]
