"""From events to apps to look at.

kopf brings the events; `@kopf.on.event` alone, which writes nothing to the objects: neither
finalizers nor annotations, so that deleting an app needs no operator. Belongs here: which events
concern which app. Not here: what is then done.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import kopf

from immutant.contract import names
from immutant_operator.api import APP_KIND, Api
from immutant_operator.registry import Key, Registry
from immutant_operator.workqueue import WorkQueue

__all__ = ["registered", "resync", "watch_settings"]

_OWNED: Final = (
    ("", "v1", "pods"),
    ("", "v1", "services"),
    ("", "v1", "serviceaccounts"),
    ("apps", "v1", "statefulsets"),
    ("apps", "v1", "deployments"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("networking.k8s.io", "v1", "networkpolicies"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io", "v1", "roles"),
    ("rbac.authorization.k8s.io", "v1", "rolebindings"),
)
"""Watched by the app's label; ConfigMaps, which users write, are watched without.

So are the Leases of singletons, by a label of their own: see `_LEASES`."""

_ROUND: Final = 60.0
"""Seconds between two looks at every app, whatever the watches bring."""

_LEASES: Final = ("coordination.k8s.io", "v1", "leases")

_GATHERING: Final = 1.0
"""Seconds in which the moves of an app's singletons are gathered into one look."""


def registered(queue: WorkQueue, registry: Registry) -> kopf.OperatorRegistry:
    """The handlers, for `kopf.operator`."""
    handlers = kopf.OperatorRegistry()
    _log_in(handlers)

    async def app_seen(namespace: str | None, name: str | None, **_: Any) -> None:  # noqa: ANN401
        queue.add((namespace or "", name or ""))

    async def owned_seen(
        namespace: str | None,
        labels: Mapping[str, str],
        **_: Any,  # noqa: ANN401
    ) -> None:
        queue.add((namespace or "", labels[names.APP_LABEL]))

    async def config_map_seen(
        namespace: str | None,
        name: str | None,
        labels: Mapping[str, str],
        **_: Any,  # noqa: ANN401
    ) -> None:
        for key in _concerned(registry, namespace or "", name or "", labels):
            queue.add(key)

    holders = _Holders()

    async def lease_seen(
        namespace: str | None,
        name: str | None,
        labels: Mapping[str, str],
        body: Mapping[str, Any],
        **event: Any,  # noqa: ANN401
    ) -> None:
        is_gone = event.get("type") == "DELETED"
        if names.APP_LABEL in labels and holders.changed((namespace, name), body, is_gone=is_gone):
            queue.add_within((namespace or "", labels[names.APP_LABEL]), _GATHERING)

    kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=handlers)(app_seen)
    _on_event(handlers, *_LEASES, labels={names.SINGLETON_LABEL: kopf.PRESENT})(lease_seen)
    for group, version, plural in _OWNED:
        _on_event(handlers, group, version, plural, labels={names.APP_LABEL: kopf.PRESENT})(
            owned_seen
        )
    _on_event(handlers, "", "v1", "configmaps")(config_map_seen)
    return handlers


class _Holders:
    """Who was last seen in each Lease of a singleton.

    A job writes its Lease at each tick. That is told in passing; a move is worth a look.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str | None, str | None], tuple[object, object]] = {}

    def changed(
        self, key: tuple[str | None, str | None], body: Mapping[str, Any], *, is_gone: bool
    ) -> bool:
        """Take note of a Lease; whether it is held by another than before, or in another tenure."""
        spec = body.get("spec") or {}
        now = spec.get("holderIdentity"), spec.get("acquireTime")
        if is_gone:
            return self._seen.pop(key, None) is not None
        before, self._seen[key] = self._seen.get(key), now
        return before != now


def _concerned(
    registry: Registry, namespace: str, name: str, labels: Mapping[str, str]
) -> set[Key]:
    concerned = set(registry.referring("ConfigMap", namespace, name))
    if names.APP_LABEL in labels:
        concerned.add((namespace, labels[names.APP_LABEL]))
    return concerned


def _on_event(
    handlers: kopf.OperatorRegistry,
    group: str,
    version: str,
    plural: str,
    **options: Any,  # noqa: ANN401
) -> Callable[[Any], Any]:
    return kopf.on.event(group, version, plural, registry=handlers, **options)


def _log_in(handlers: kopf.OperatorRegistry) -> None:
    """By the pod's account, or by KUBECONFIG outside of a cluster."""

    @kopf.on.login(registry=handlers)
    def log_in(**arguments: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401
        return kopf.login_with_kubeconfig(**arguments) or kopf.login_with_service_account(
            **arguments
        )


def watch_settings() -> kopf.OperatorSettings:
    """Kopf's settings: no scanning of the cluster, no events of its own, watches that end."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.server_timeout = 240
    settings.watching.client_timeout = 300
    settings.watching.connect_timeout = 10
    for group, version, plural in _OWNED:
        settings.watching.label_selectors[group, version, plural] = names.APP_LABEL
    settings.watching.label_selectors[_LEASES] = names.SINGLETON_LABEL  # and not members' renewals
    return settings


async def resync(api: Api, watched: str | None, queue: WorkQueue) -> None:
    """Have every app looked at once a minute: what a watch has missed is found then."""
    while True:
        for body in await api.list(*APP_KIND, watched, {}):
            queue.add((body["metadata"]["namespace"], body["metadata"]["name"]))
        await asyncio.sleep(_ROUND)
