"""What the grid's members say of themselves, by their own metrics."""

import re
from typing import Any

from tests.e2e.cluster import Cluster

from immutant.contract.names import MEMBER_METRICS_PORT


def entries(cluster: Cluster, pod: Any, name: str) -> tuple[int, int]:
    """How many entries of a map a pod's member owns, and of how many it keeps the backup."""
    page = cluster.proxied(f"pods/{pod['metadata']['name']}:{MEMBER_METRICS_PORT}", "metrics")
    return _value(page, "hazelcast_map_owned_entries", name), _value(
        page, "hazelcast_map_backup_entries", name
    )


def _value(page: str, metric: str, name: str) -> int:
    found = re.search(
        rf'^{metric}{{[^}}]*map="{re.escape(name)}"[^}}]*}} (\S+)$', page, re.MULTILINE
    )
    return int(float(found[1])) if found else 0
