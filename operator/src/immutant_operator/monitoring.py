"""How this cluster's Prometheus finds pods: by monitors where it has their definition.

Belongs here: asking, at first and then once a minute, since Prometheus' operator may be installed,
or removed, later. Not here: what is then made (`immutant_operator.builders`).
"""

import asyncio
import logging
from dataclasses import replace
from typing import Final

from immutant_operator.api import Api, ApiError
from immutant_operator.builders import Cluster
from immutant_operator.reconciler import Reconciler

__all__ = ["follow", "found"]

_PERIOD: Final = 60
_REPEAT: Final = 2.0
"""Seconds after which a question that was not answered is repeated."""

_DEFINITION: Final = ("monitoring.coreos.com/v1", "podmonitors")

_log = logging.getLogger(__name__)


async def found(api: Api, cluster: Cluster) -> Cluster:
    """The cluster as it is now, asked for as long as it takes to be told."""
    while True:
        try:
            is_served = await api.serves(*_DEFINITION)
            return replace(cluster, monitoring="monitors" if is_served else "annotations")
        except ApiError as error:
            _log.warning("whether this cluster has PodMonitors cannot be told: %s", error)
            await asyncio.sleep(_REPEAT)


async def follow(api: Api, reconciler: Reconciler) -> None:
    """Keep the reconciler's cluster as it is, for good.

    Args:
        api: The API.
        reconciler: Who builds for it. Every app is looked at within a minute anyway.
    """
    while True:
        await asyncio.sleep(_PERIOD)
        reconciler.cluster = await found(api, reconciler.cluster)
