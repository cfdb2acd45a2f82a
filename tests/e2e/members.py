"""What the grid's members say of themselves, by their own metrics."""

import re
from collections.abc import Collection
from typing import Any

from tests.e2e.cluster import Cluster

from immutant.contract.names import MEMBER_METRICS_PORT

_PARTITIONS = 271
"""Hazelcast's own number of them."""


def entries(cluster: Cluster, pod: Any, name: str) -> tuple[int, int]:
    """How many entries of a map a pod's member owns, and of how many it keeps the backup."""
    page = _page(cluster, pod)
    label = f'{{[^}}]*map="{re.escape(name)}"[^}}]*}}'
    return _value(page, f"hazelcast_map_owned_entries{label}"), _value(
        page, f"hazelcast_map_backup_entries{label}"
    )


def are_whole(cluster: Cluster, pods: Collection[Any]) -> bool:
    """Whether the pods' members are one grid, and every partition has its owner and its backup.

    Else the next fault takes the only copy, or a majority. That pods are ready does not say so:
    what the API server knows of a node that has just lost power is old.
    """
    try:
        pages = [_page(cluster, pod) for pod in pods]
    except AssertionError:  # a member cannot be asked yet
        return False
    together = all(_value(page, "hazelcast_members") == len(pods) for page in pages)
    moving = any(_value(page, "hazelcast_migrations_queued") for page in pages)
    owned = sum(_value(page, "hazelcast_owned_partitions") for page in pages)
    backed_up = sum(_value(page, "hazelcast_backup_partitions") for page in pages)
    return together and not moving and owned == backed_up == _PARTITIONS


def _page(cluster: Cluster, pod: Any) -> str:
    metadata = pod["metadata"]
    where = f"pods/{metadata['name']}:{MEMBER_METRICS_PORT}"
    return cluster.proxied(where, "metrics", metadata["namespace"])


def _value(page: str, series: str) -> int:
    found = re.search(rf"^{series} (\S+)$", page, re.MULTILINE)
    return int(float(found[1])) if found else 0
