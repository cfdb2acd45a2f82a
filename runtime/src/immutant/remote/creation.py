"""A new app, from what was typed and what stands in a file.

Belongs here: its manifest. Not here: what the fields mean; the cluster judges them.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from immutant.contract import names
from immutant.errors import ConfigurationError, TakenError
from immutant.remote.apps import App, read
from immutant.remote.kubectl import Json, Kubectl
from immutant.remote.naming import check_name

__all__ = ["APP_FILE", "REPLICAS", "Wishes", "create", "manifest", "written_in"]

REPLICAS: Final = 2
"""Pods of an app that no file describes. With a single one, all that is in memory goes with it."""

APP_FILE: Final = "app.yaml"
"""What `immutant new` writes of an app."""

_UNWRITTEN: Final[Json] = {"spec": {"replicas": REPLICAS}}
"""What is taken in a file's place."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was typed; it goes before what stands in the file.

    Attributes:
        image: An image with the code in it; "": none.
        replicas: How many pods; None: as the file says, and without one REPLICAS.
        hosts: The host names.
        file: A file with an ImmutantApp; None: there is none.
    """

    image: str = ""
    replicas: int | None = None
    hosts: Sequence[str] = ()
    file: Path | None = None


def create(kubectl: Kubectl, name: str, wishes: Wishes) -> App:
    """Make an app; the app as it is then.

    Raises:
        ConfigurationError: The name cannot be one, or the file cannot be read, or holds no app of
            that name.
        TakenError: There is one of that name.
        ClusterError: The cluster refuses it.
    """
    body = manifest(name, wishes)
    try:
        kubectl.create(body)
    except TakenError as error:
        raise TakenError(
            f"there is an app {name} already; deploy to it (git push, or immutant deploy {name}), "
            "or choose another name"
        ) from error
    namespace = kubectl.namespace or body["metadata"].get("namespace", "")
    return read(dataclasses.replace(kubectl, namespace=namespace), name)


def written_in(folder: Path, name: str) -> Path | None:
    """The file of a folder that describes this app; None: there is none, or it is of another.

    Raises:
        ConfigurationError: There is one that cannot be read: it may be of this app.
    """
    file = folder / APP_FILE
    if not file.exists():
        return None
    found = [_named(one, file) or name for one in _documents(file) if _is_app(one)]
    return file if name in found else None


def manifest(name: str, wishes: Wishes) -> Json:
    """The ImmutantApp.

    Raises:
        ConfigurationError: The name cannot be one, or the file cannot be read, or holds no app of
            that name.
    """
    check_name(name)
    body = _written(name, wishes.file) if wishes.file is not None else _UNWRITTEN
    spec = dict(_part(body, "spec", wishes.file))
    if wishes.image:
        spec["image"] = wishes.image
    if wishes.replicas is not None:
        spec["replicas"] = wishes.replicas
    if wishes.hosts:
        first, *others = wishes.hosts
        spec["web"] = {**_part(spec, "web", wishes.file), "host": first, "hosts": others}
    metadata = {**_part(body, "metadata", wishes.file), "name": name}
    kind = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": names.KIND}
    return {**kind, "metadata": metadata, "spec": spec}


def _written(name: str, file: Path) -> Json:
    """The one app that a file holds."""
    documents = _documents(file)
    if len(documents) != 1 or not _is_app(documents[0]):
        raise ConfigurationError(
            f"{file} is not one {names.KIND}; write one, or use kubectl apply -f for several"
        )
    body: Json = documents[0]
    found = _named(body, file) or name
    if found != name:
        raise ConfigurationError(
            f"{file} is of the app {found}, and not of {name}; give one of the two names to both"
        )
    return body


def _documents(file: Path) -> list[Any]:
    """What a file holds, but for what is empty."""
    try:
        found = list(yaml.safe_load_all(file.read_text()))
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no UTF-8, or no such date
        raise ConfigurationError(
            f"{file} cannot be read as YAML; mend it, or name another file with --file: {error}"
        ) from error
    return [one for one in found if one is not None]


def _is_app(document: Any) -> bool:  # noqa: ANN401 - whatever stands there
    return isinstance(document, dict) and document.get("kind") == names.KIND


def _named(body: Json, file: Path) -> str:
    """The name of the app; "": it has none."""
    return str(_part(body, "metadata", file).get("name") or "")


def _part(body: Json, field: str, file: Path | None) -> Json:
    """A field that has fields of its own; {}: it is not there."""
    part = body.get(field) or {}
    if not isinstance(part, dict):
        raise ConfigurationError(
            f"{file}: {field} is {part!r}, and has to have fields of its own, each on a line below "
            "it; `immutant new` writes a file to look at"
        )
    return part
