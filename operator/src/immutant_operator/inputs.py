"""What an app refers to beside its spec: the source, and the environment's ConfigMaps and Secrets.

Belongs here: reading them, once a reconcile: Secrets are not to be watched, and the files of a
thousand sources not to be kept. Not here: what becomes of them.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from immutant_operator.api import Api, ApiError
from immutant_operator.builders import Source
from immutant_operator.objects import Json
from immutant_operator.spec import App

__all__ = ["Inputs", "references"]

Reference = tuple[str, str]
"""Kind and name, in the app's namespace."""


def references(app: App) -> frozenset[Reference]:
    """The ConfigMaps and Secrets that the app refers to, the source included."""
    named = set(_environment(app))
    if app.spec.source is not None:
        named.add(("ConfigMap", app.spec.source.config_map.name))
    return frozenset(named)


def _environment(app: App) -> list[Reference]:
    single = [one.value_from or {} for one in app.spec.env]
    pairs = (
        ("ConfigMap", "configMapKeyRef"),
        ("Secret", "secretKeyRef"),
        ("ConfigMap", "configMapRef"),
        ("Secret", "secretRef"),
    )
    places: list[dict[str, Any]] = [*single, *app.spec.env_from]
    return [(kind, str(one[key]["name"])) for one in places for kind, key in pairs if key in one]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an app refers to, as it is now.

    Attributes:
        source: The app's source; None: it has none of its own.
        digest: A text that changes when the environment's ConfigMaps or Secrets do; None: it has
            none.
    """

    source: Source | None
    digest: str | None

    @classmethod
    async def read(cls, api: Api, app: App) -> "Inputs":
        """Read it all.

        Raises:
            SourceMissingError: The spec names a source that is not there.
        """
        return cls(await _source(api, app), await _digest(api, app))


async def _source(api: Api, app: App) -> Source | None:
    if app.spec.source is None:
        return None
    name = app.spec.source.config_map.name
    return Source.of(app, name, await api.find("v1", "ConfigMap", app.namespace, name))


async def _digest(api: Api, app: App) -> str | None:
    named = sorted(set(_environment(app)))
    if not named:
        return None
    read = [[kind, name, await _content(api, app, kind, name)] for kind, name in named]
    return hashlib.sha256(json.dumps(read, sort_keys=True).encode()).hexdigest()[:16]


async def _content(api: Api, app: App, kind: str, name: str) -> Json | None:
    """What an object holds; None where it is missing, or not for the operator to read."""
    try:
        body = await api.find("v1", kind, app.namespace, name)
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    return {key: body.get(key) for key in ("data", "binaryData")} if body is not None else None
