"""From events to what is there, and to apps to look at.

kopf brings the events; `@kopf.on.event` alone, which writes nothing to the objects: neither
finalizers nor annotations, so that deleting an app needs no operator. Belongs here: what is
watched, and which events concern which app. Not here: what is then done; what the watches miss
(`rounds`).
"""

from collections.abc import Mapping
from typing import Any, Final

import kopf

from immutant.contract import names
from immutant_operator.api import plural
from immutant_operator.kinds import CONFIG_MAP, KEPT, LEASE, Kind
from immutant_operator.registry import Key, Registry
from immutant_operator.store import Store
from immutant_operator.workqueue import WorkQueue

__all__ = ["registered", "watch_settings"]

_WATCHED: Final = tuple(kind for kind in KEPT if kind.everywhere)
"""kopf watches no kind that is not there when it starts: HTTPRoutes are listed each minute."""

_GATHERING: Final = 1.0
"""Seconds in which the moves of an app's singletons are gathered into one look."""

_MERCY: Final = 5
"""Seconds by which a watch that was not ended outlasts that: it hangs, and kopf ends it."""


def registered(queue: WorkQueue, store: Store, registry: Registry) -> kopf.OperatorRegistry:
    """The handlers, for `kopf.operator`."""
    handlers = kopf.OperatorRegistry()
    _log_in(handlers)

    async def object_seen(event: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401
        for key in _noted(store, event):
            queue.add(key)

    async def lease_seen(event: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401
        for key in _noted(store, event):
            queue.add_within(key, _GATHERING)

    async def config_map_seen(
        namespace: str | None,
        name: str | None,
        event: Mapping[str, Any],
        **_: Any,  # noqa: ANN401
    ) -> None:
        referring = registry.referring(CONFIG_MAP.name, namespace or "", name or "")
        for key in {*referring, *_noted(store, event)}:
            queue.add(key)

    special = {CONFIG_MAP: config_map_seen, LEASE: lease_seen}
    for kind in _WATCHED:
        watched = kopf.on.event(*_resource(kind), registry=handlers)
        watched(special.get(kind, object_seen))
    return handlers


def _noted(store: Store, event: Mapping[str, Any]) -> set[Key]:
    """Take note of what a watch brought; the apps that are concerned."""
    body = event["object"]
    return store.lost(body) if event["type"] == "DELETED" else store.saw(body)


def _resource(kind: Kind) -> tuple[str, str, str]:
    group, _, version = kind.version.rpartition("/")
    return group, version, plural(kind.name)


def _log_in(handlers: kopf.OperatorRegistry) -> None:
    """By the pod's account, or by KUBECONFIG outside of a cluster."""

    @kopf.on.login(registry=handlers)
    def log_in(**arguments: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401
        return kopf.login_with_kubeconfig(**arguments) or kopf.login_with_service_account(
            **arguments
        )


def watch_settings(seconds: int) -> kopf.OperatorSettings:
    """Kopf's settings: no scanning of the cluster, no events of its own, and nothing endless.

    Args:
        seconds: After which the API server ends a watch, and kopf goes on from there by another.
    """
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.networking.request_timeout = 30
    settings.queueing.idle_timeout = 0.5  # for as long kopf holds each object that it has listed
    settings.watching.chunk_size = 200
    settings.watching.server_timeout = seconds
    settings.watching.client_timeout = seconds + _MERCY
    settings.watching.connect_timeout = 10
    for kind in _WATCHED:
        # Users write ConfigMaps, and apps refer to them: all but parts of archives are watched.
        selector = f"!{names.SOURCE_LABEL}" if kind == CONFIG_MAP else kind.selector
        if selector:
            settings.watching.label_selectors[_resource(kind)] = selector
    return settings
