"""Bringing an app's objects to what the builders made: apply, and remove what is left over.

Belongs here: whose an object is, server-side apply, pruning by label. Not here: what is wanted.
"""

import asyncio
from collections.abc import Collection, Iterable
from typing import Final

from immutant.contract import names
from immutant_operator.api import Api, ApiError, NotFoundError
from immutant_operator.errors import (
    ForbiddenError,
    LeftoversError,
    NameTakenError,
    RefusedError,
)
from immutant_operator.objects import Json
from immutant_operator.spec import App

__all__ = ["KINDS", "Applied", "Inventory", "apply_all", "inventory", "lacking", "prune"]


KINDS: Final = (
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "ControllerRevision"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("policy/v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
)
"""Everything that an app may have; what is of these kinds and wanted no more is removed, but for
those that last."""

_LASTING: Final = {"ServiceAccount", "StatefulSet", "Role", "RoleBinding"}
"""An app has these as long as it is there: the operator has no right to delete any."""

_NOT_EVERYWHERE: Final = "HTTPRoute"
"""A kind that a cluster may lack; an app goes without it then, and says so."""

Key = tuple[str, str]
"""Kind and name."""

Inventory = dict[Key, Json]
"""The objects of an app that are there."""

Applied = dict[Key, tuple[Json, str]]
"""What was applied of an app, and the resourceVersion that came of it. Losing it costs requests."""


def _key(manifest: Json) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


async def inventory(api: Api, app: App) -> Inventory:
    """The objects that carry the app's label, of all kinds that an app may have."""
    asked = (_listed(api, app, version, kind) for version, kind in KINDS)
    return {_key(one): one for listed in await asyncio.gather(*asked) for one in listed}


async def _listed(api: Api, app: App, version: str, kind: str) -> list[Json]:
    try:
        return await api.list(version, kind, app.namespace, app.labels)
    except ApiError as error:
        # Not served; or an older chart's rights, which must not stop apps that want none of it.
        if kind == _NOT_EVERYWHERE and error.status in (403, 404):
            return []
        raise


async def apply_all(
    api: Api, app: App, wanted: Iterable[Json], there: Inventory, former: Applied
) -> Inventory:
    """Apply the objects, in their order; what the API server made of them.

    What was applied before and is unchanged on both sides is left out; `former` remembers that.
    What is of a kind that this cluster does not have is missing from the answer.

    Raises:
        NameTakenError: One of that name is somebody else's; nothing of it is touched.
        LeftoversError: One of that name belongs to a former app that is still being removed.
        ForbiddenError: A right or a quota is missing for one.
        RefusedError: The API server refuses one: its part of the spec is wrong.
    """
    applied: Inventory = {}
    for manifest in wanted:
        key = _key(manifest)
        known = there.get(key)
        if known is not None and former.get(key) == (manifest, _version(known)):
            applied[key] = known
            continue
        await _check_owner(api, app, manifest, known)
        try:
            applied[key] = await _apply(api, manifest)
        except NotFoundError:
            if manifest["kind"] != _NOT_EVERYWHERE:
                raise
            continue
        former[key] = (manifest, _version(applied[key]))
    for key in former.keys() - applied.keys():
        del former[key]
    return applied


def _version(body: Json) -> str:
    return str(body["metadata"]["resourceVersion"])


async def _apply(api: Api, manifest: Json) -> Json:
    try:
        return await api.apply(manifest, names.MANAGER)
    except ApiError as error:
        if error.status == 403:
            raise ForbiddenError(f"the operator may not make an object: {error}") from error
        if error.status in (400, 422):
            raise RefusedError(f"the API server refused an object: {error}") from error
        raise


async def _check_owner(api: Api, app: App, manifest: Json, known: Json | None) -> None:
    kind, name = _key(manifest)
    if known is None:
        known = await api.find(manifest["apiVersion"], kind, app.namespace, name)
        if known is not None and not _is_owned(known, app.uid):
            raise NameTakenError(
                f"there is a {kind} {name} that is not this app's; remove it or name the app "
                "otherwise"
            )
    owners = [one["uid"] for one in known["metadata"].get("ownerReferences", ())] if known else []
    if owners and app.uid not in owners:
        raise LeftoversError(
            f"{kind} {name} belongs to a former {app.name}; waiting until it has been removed"
        )


def _is_owned(body: Json, uid: str) -> bool:
    return any(one["uid"] == uid for one in body["metadata"].get("ownerReferences", ()))


def lacking(wanted: Iterable[Json], applied: Inventory) -> tuple[str, str] | None:
    """What was left out since the cluster does not have its kind: a reason and a sentence."""
    for manifest in wanted:
        if _key(manifest) not in applied:
            return "KindMissing", (
                f"this cluster has no {manifest['kind']} of {manifest['apiVersion']}: install the "
                "definitions of the Gateway API, or remove spec.web.gateway"
            )
    return None


async def prune(
    api: Api, app: App, wanted: Iterable[Json], there: Inventory, kept: Collection[Key]
) -> None:
    """Remove the app's own objects that are wanted no more, except those to keep."""
    keys = {_key(manifest) for manifest in wanted} | set(kept)
    for key, body in there.items():
        if key not in keys and body["kind"] not in _LASTING and _is_owned(body, app.uid):
            await api.delete(body)
