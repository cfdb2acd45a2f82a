"""What an app refers to beside its spec: the source, and the environment's ConfigMaps and Secrets.

Belongs here: reading them, once a reconcile: Secrets are not to be watched, and the files of a
thousand sources not to be kept. Not here: what becomes of them.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from immutant.contract import names
from immutant_operator.api import Api, ApiError
from immutant_operator.builders import Basis, Source, snapshot_name
from immutant_operator.errors import AppError, SourceMissingError
from immutant_operator.logins import login
from immutant_operator.objects import Json
from immutant_operator.remotes import Remotes
from immutant_operator.spec import App, AppSpec
from immutant_operator.spec.source import ArchiveSource
from immutant_operator.spec.source import Source as SourceSpec

__all__ = ["Inputs", "references"]

Reference = tuple[str, str]
"""Kind and name, in the app's namespace."""


def references(app: App) -> frozenset[Reference]:
    """The ConfigMaps and Secrets that the app refers to, the source included."""
    return frozenset((*_environment(app), *_named_by(app.spec.source)))


def _named_by(source: SourceSpec | None) -> list[Reference]:
    if source is None:
        return []
    if source.config_map is not None:
        return [("ConfigMap", source.config_map.name)]
    if source.git is not None and source.git.secret is not None:
        return [("Secret", source.git.secret.name)]
    return []  # no watch tells of an archive's parts


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
        source: What the copy of the app's source is made from; None: it needs no copy.
        pin: What the source is fixed to: the copy, the archive's digest, a commit; None: there is
            no source, or its commit is not known.
        digest: A text that changes when the environment's ConfigMaps or Secrets do; None: it has
            none.
        trouble: Why the source's commit is not known, or not up to date; None: it is.
        again: Seconds after which to look whether the source is another; None: there is no need.
    """

    source: Source | None
    pin: str | None
    digest: str | None
    trouble: AppError | None = None
    again: float | None = None

    @classmethod
    async def read(cls, api: Api, app: App, remotes: Remotes) -> "Inputs":
        """Read it all.

        Raises:
            SourceMissingError: The spec names a source that is not there.
        """
        digest = await _digest(api, app)
        git = app.spec.source.git if app.spec.source is not None else None
        if git is not None:
            known = await remotes.look(app.key, git, lambda: login(api, app))
            return cls(None, known.commit, digest, known.trouble, known.again)
        remotes.forget(app.key)
        source, pin = await _source(api, app)
        return cls(source, pin, digest)

    def fixed(self, app: App, kept: Basis | None) -> "Inputs":
        """The same with a commit, if need be the one that the app's pods have.

        Args:
            app: The app.
            kept: What its pods were made of, if that is known.

        Raises:
            AppError: The commit is not known, and the pods' source is another.
        """
        if self.pin is not None or self.trouble is None:
            return self
        if kept is None or kept.source is None or not _is_same_git(app, kept):
            raise self.trouble
        return replace(self, pin=kept.source)


def _is_same_git(app: App, kept: Basis) -> bool:
    """Whether pods were made from the revision that the app names."""
    try:
        then = AppSpec.model_validate(kept.spec).source
    except ValidationError:
        return False
    now = app.spec.source
    if then is None or then.git is None or now is None or now.git is None:
        return False
    return (then.git.url, then.git.revision) == (now.git.url, now.git.revision)


async def _source(api: Api, app: App) -> tuple[Source | None, str | None]:
    """What its copy is made from, and what it is fixed to."""
    stated = app.spec.source
    if stated is not None and stated.config_map is not None:
        name = stated.config_map.name
        source = Source.of(app, name, await api.find("v1", "ConfigMap", app.namespace, name))
        return source, snapshot_name(app, source)
    if stated is not None and stated.archive is not None:
        await _check_parts(api, app, stated.archive)
        return None, stated.archive.sha256
    return None, None


async def _check_parts(api: Api, app: App, archive: ArchiveSource) -> None:
    """See that the parts are there; a pod that starts reads them, and compares the digest.

    Raises:
        SourceMissingError: One is not there, or has not the label by which it is found.
    """
    label = {names.SOURCE_LABEL: names.source_label(archive.sha256)}
    there = await api.named("v1", "ConfigMap", app.namespace, label)
    missing = [name for name in archive.config_maps if name not in there]
    if missing:
        raise SourceMissingError(
            f"the source's archive is not complete: in namespace {app.namespace} there is no "
            f"ConfigMap {', '.join(missing)} with the label {names.SOURCE_LABEL}="
            f"{label[names.SOURCE_LABEL]}; push the source again"
        )


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
