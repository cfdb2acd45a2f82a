"""Bringing an app's objects to what the builders made: apply, and remove what is left over.

Belongs here: whose an object is, server-side apply, pruning by label. Not here: what is wanted.
"""

import contextlib
import hashlib
import json
from collections.abc import Collection, Iterable

from immutant.contract import names
from immutant_operator.api import Api, ApiError, ConflictError, NotFoundError
from immutant_operator.errors import (
    ForbiddenError,
    LeftoversError,
    NameTakenError,
    RefusedError,
)
from immutant_operator.kinds import OWNED
from immutant_operator.objects import Json
from immutant_operator.seen import Seen
from immutant_operator.spec import App
from immutant_operator.store import Inventory, Store

__all__ = ["Applied", "apply_all", "is_done", "lacking", "prune"]

_NOT_EVERYWHERE = {kind.name for kind in OWNED if not kind.everywhere}
"""Kinds that a cluster may lack; an app goes without them then, and says so."""

_LASTING = {kind.name for kind in OWNED if kind.lasts}
"""Kinds that an app has as long as it is there: the operator has no right to delete any."""

Key = tuple[str, str]
"""Kind and name."""

Applied = dict[Key, tuple[str, str]]
"""What was applied of an app, and what came of it, as digests. Losing it costs requests."""


def _key(manifest: Json) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


def is_done(
    app: App, wanted: Iterable[Json], there: Inventory, former: Applied, kept: Collection[Key]
) -> bool:
    """Whether nothing is to be applied and nothing to be removed."""
    manifests = list(wanted)
    applied = all(_is_applied(one, there.get(_key(one)), former) for one in manifests)
    return applied and not _leftovers(app, manifests, there, kept)


def _is_applied(manifest: Json, known: Seen | None, former: Applied) -> bool:
    return known is not None and former.get(_key(manifest)) == (_digest(manifest), known.digest)


def _digest(manifest: Json) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]


async def apply_all(
    api: Api, store: Store, app: App, wanted: Iterable[Json], former: Applied
) -> Inventory:
    """Apply the objects, in their order; what the API server made of them.

    What was applied before and is unchanged on both sides is left out; `former` remembers that.
    What came of the others is in the store at once: no look comes before the watch's word of it.
    What is of a kind that this cluster does not have is missing from the answer.

    Raises:
        NameTakenError: One of that name is somebody else's; nothing of it is touched.
        LeftoversError: One of that name belongs to a former app that is still being removed.
        ForbiddenError: A right or a quota is missing for one.
        RefusedError: The API server refuses one: its part of the spec is wrong.
    """
    applied: Inventory = {}
    there = store.inventory((app.namespace, app.name))
    for manifest in wanted:
        key = _key(manifest)
        known = there.get(key)
        if known is not None and _is_applied(manifest, known, former):
            applied[key] = known
            continue
        try:
            made = await _make(api, app, manifest, known)
        except NotFoundError:
            if manifest["kind"] not in _NOT_EVERYWHERE:
                raise
            continue
        store.saw(made)
        if (seen := Seen.read(made)) is not None:
            applied[key] = seen
            former[key] = (_digest(manifest), seen.digest)
    for key in former.keys() - applied.keys():
        del former[key]
    return applied


async def _make(api: Api, app: App, manifest: Json, known: Seen | None) -> Json:
    """Apply to the very object that was seen; where it has gone, to what is there and the app's."""
    if known is not None:
        _check_former(app, manifest, known.owners)
        metadata = {**manifest["metadata"], "uid": known.uid}
        with contextlib.suppress(ConflictError, RefusedError):  # it has gone, or is another one
            return await _apply(api, {**manifest, "metadata": metadata})
    await _check_owner(api, app, manifest)
    return await _apply(api, manifest)


async def _apply(api: Api, manifest: Json) -> Json:
    try:
        return await api.apply(manifest, names.MANAGER)
    except ApiError as error:
        if error.status == 403:
            raise ForbiddenError(f"the operator may not make an object: {error}") from error
        if error.status in (400, 422):
            raise RefusedError(f"the API server refused an object: {error}") from error
        raise


async def _check_owner(api: Api, app: App, manifest: Json) -> None:
    kind, name = _key(manifest)
    found = await api.find(manifest["apiVersion"], kind, app.namespace, name)
    if found is None:
        return
    owners = {one["uid"] for one in found["metadata"].get("ownerReferences") or ()}
    if app.uid not in owners:
        raise NameTakenError(
            f"there is a {kind} {name} that is not this app's; remove it or name the app otherwise"
        )


def _check_former(app: App, manifest: Json, owners: Collection[str]) -> None:
    if owners and app.uid not in owners:
        kind, name = _key(manifest)
        raise LeftoversError(
            f"{kind} {name} belongs to a former {app.name}; waiting until it has been removed"
        )


def lacking(wanted: Iterable[Json], applied: Inventory) -> tuple[str, str] | None:
    """What was left out since the cluster does not have its kind: a reason and a sentence."""
    for manifest in wanted:
        # A PodMonitor is nothing that a user has asked for: its definition has just gone.
        if _key(manifest) not in applied and manifest["kind"] != "PodMonitor":
            return "KindMissing", (
                f"this cluster has no {manifest['kind']} of {manifest['apiVersion']}: install the "
                "definitions of the Gateway API, or remove spec.web.gateway"
            )
    return None


async def prune(
    api: Api, app: App, wanted: Iterable[Json], there: Inventory, kept: Collection[Key]
) -> None:
    """Remove the objects made for the app that are wanted no more, except those to keep.

    What the app merely owns, so that it goes when the app goes, is somebody else's to remove.

    Each is asked for before: somebody may have taken it over since it was seen.
    """
    for one in _leftovers(app, wanted, there, kept):
        found = await api.find(one.api, one.kind, one.namespace, one.name)
        seen = Seen.read(found) if found is not None else None
        if found is not None and seen is not None and app.uid == seen.controller:
            await api.delete(found)


def _leftovers(
    app: App, wanted: Iterable[Json], there: Inventory, kept: Collection[Key]
) -> list[Seen]:
    keys = {_key(manifest) for manifest in wanted} | set(kept)
    removable = {key: one for key, one in there.items() if key[0] not in _LASTING}
    return [one for key, one in removable.items() if key not in keys and app.uid == one.controller]
