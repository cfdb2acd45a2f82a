"""A new app, from what was typed and what stands in a file.

Belongs here: its manifest. Not here: what the fields mean; the cluster judges them.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from immutant.contract import names
from immutant.errors import ConfigurationError, TakenError
from immutant.remote.apps import App, read
from immutant.remote.kubectl import Json, Kubectl
from immutant.remote.naming import check_name

__all__ = ["REPLICAS", "Wishes", "create", "manifest", "written_in"]

REPLICAS: Final = 2
"""Pods of an app that no file describes. With a single one, all that is in memory goes with it."""

_FILE: Final = "app.yaml"
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
        ConfigurationError: The name cannot be one, or the file holds no app of that name.
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
    """The file of a folder that describes this app, if there is one."""
    file = folder / _FILE
    try:
        _written(name, file)
    except ConfigurationError:  # it is of something else
        return None
    return file


def manifest(name: str, wishes: Wishes) -> Json:
    """The ImmutantApp.

    Raises:
        ConfigurationError: The name cannot be one, or the file holds no app of that name.
    """
    check_name(name)
    body = _written(name, wishes.file) if wishes.file is not None else _UNWRITTEN
    spec = dict(body.get("spec") or {})
    if wishes.image:
        spec["image"] = wishes.image
    if wishes.replicas is not None:
        spec["replicas"] = wishes.replicas
    if wishes.hosts:
        first, *others = wishes.hosts
        spec["web"] = {**(spec.get("web") or {}), "host": first, "hosts": others}
    metadata = {**(body.get("metadata") or {}), "name": name}
    kind = {"apiVersion": f"{names.GROUP}/{names.VERSION}", "kind": names.KIND}
    return {**kind, "metadata": metadata, "spec": spec}


def _written(name: str, file: Path) -> Json:
    try:
        body = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{file} cannot be read as YAML: {error}") from error
    if not isinstance(body, dict) or body.get("kind") != names.KIND:
        raise ConfigurationError(
            f"{file} is not one {names.KIND}; write one, or use kubectl apply -f for several"
        )
    found = (body.get("metadata") or {}).get("name", name)
    if found != name:
        raise ConfigurationError(
            f"{file} is of the app {found}, and not of {name}; give one of the two names to both"
        )
    return body
