"""The app's source, fixed: a copy of the user's ConfigMap that never changes.

Pods mount the copy, so that a pod of the old version that restarts gets the old code, whatever has
become of the user's ConfigMap. A new source is a new copy under a new name, and so a rollout.
Belongs here: the copy, its name, what the entrypoint needs of it. Not here: which copies are kept.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from immutant_operator.builders.metadata import Manifest, manifest
from immutant_operator.errors import SourceMissingError
from immutant_operator.spec import App

__all__ = ["Source", "snapshot", "snapshot_name"]


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a source: text, and bytes in base64, by name."""

    data: Mapping[str, str]
    binary: Mapping[str, str]

    @classmethod
    def of(cls, app: App, name: str, config_map: Manifest | None) -> "Source":
        """The source that the app's ConfigMap holds.

        Raises:
            SourceMissingError: There is no ConfigMap, or the entrypoint's file is not in it.
        """
        if config_map is None:
            raise SourceMissingError(
                f"there is no ConfigMap {name} in namespace {app.namespace}; create it: "
                f"kubectl --namespace {app.namespace} create configmap {name} --from-file=app.py"
            )
        source = cls(config_map.get("data") or {}, config_map.get("binaryData") or {})
        source._check(name, app.spec.entrypoint)
        return source

    def _check(self, name: str, entrypoint: str) -> None:
        module = entrypoint.partition(":")[0]
        file = module if module.endswith(".py") else f"{module.split('.')[0]}.py"
        if file not in self.data and file not in self.binary:
            keys = ", ".join(sorted((*self.data, *self.binary))) or "nothing"
            raise SourceMissingError(
                f"ConfigMap {name} has no key {file}, which the entrypoint {entrypoint} needs, but "
                f"{keys}; add the key or set spec.entrypoint"
            )

    @property
    def digest(self) -> str:
        """Ten hexadecimal digits that differ when the source differs."""
        whole = json.dumps([dict(self.data), dict(self.binary)], sort_keys=True)
        return hashlib.sha256(whole.encode()).hexdigest()[:10]


def snapshot_name(app: App, source: Source) -> str:
    """The copy's name."""
    return f"{app.name}-source-{source.digest}"


def snapshot(app: App, source: Source) -> Manifest:
    """The copy."""
    body: Manifest = {"immutable": True}
    if source.data:
        body["data"] = dict(source.data)
    if source.binary:
        body["binaryData"] = dict(source.binary)
    return manifest(app, "ConfigMap", snapshot_name(app, source), **body)
