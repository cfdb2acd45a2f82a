"""The CustomResourceDefinition as a whole, and the files that hold it.

Belongs here: names, columns, subresources, the chart's conditions around it.
"""

from pathlib import Path
from typing import Any, Final

import yaml

from immutant.contract import names
from immutant_operator.crd.schema import structural
from immutant_operator.spec.app import NAME_RULES, AppSpec
from immutant_operator.spec.base import validations
from immutant_operator.spec.state import AppStatus

__all__ = ["chart_template", "definition", "files", "plain_file"]

_NOTE: Final = (
    "# Generated from the models of immutant_operator.spec; change them and run: make crd\n"
)

_COLUMNS: Final = (
    ("Ready", "string", ".status.ready", "Pods that are ready, of those that are wanted.", 0),
    ("Desired", "integer", ".spec.replicas", "Pods that are wanted.", 0),
    ("Revision", "string", ".status.source.short", "The source of its new pods.", 0),
    ("URL", "string", ".status.url", "Where the app is served.", 0),
    ("Reason", "string", '.status.conditions[?(@.type=="Degraded")].reason', "Its trouble.", 1),
    ("Runtime", "string", ".status.runtimeVersion", "The version that its pods are of.", 1),
    ("Age", "date", ".metadata.creationTimestamp", "Since when there is the app.", 0),
)


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.KIND,
                "listKind": f"{names.KIND}List",
                "plural": names.PLURAL,
                "singular": names.KIND.lower(),
                "shortNames": ["iapp"],
                "categories": ["all"],
            },
            "versions": [_version()],
        },
    }


def _version() -> dict[str, Any]:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {
                "name": name,
                "type": kind,
                "jsonPath": path,
                "description": what,
                "priority": priority,
            }
            for name, kind, path, what, priority in _COLUMNS
        ],
        "schema": {"openAPIV3Schema": _object()},
    }


def _object() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "A Python service, clustered: its pods share queues, caches, sessions and "
        "schedules.",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": {**structural(AppSpec), "default": {}},
            "status": structural(AppStatus),
        },
        **validations(NAME_RULES),
    }


def plain_file() -> str:
    """For `kubectl apply`."""
    return _NOTE + yaml.safe_dump(definition(), sort_keys=False, width=100)


def chart_template() -> str:
    """For the chart: left out, or kept at uninstalling, as its values say."""
    body = yaml.safe_dump(definition(), sort_keys=False, width=100)
    if "{{" in body:
        raise ValueError("a description holds '{{', which helm would expand; write it otherwise")
    name = f"  name: {names.PLURAL}.{names.GROUP}\n"
    keep = (
        "  {{- if .Values.crds.keep }}\n"
        "  annotations:\n    helm.sh/resource-policy: keep\n"
        "  {{- end }}\n"
    )
    body = body.replace(name, name + keep, 1)
    return f"{_NOTE}{{{{- if .Values.crds.enabled }}}}\n{body}{{{{- end }}}}\n"


def files(root: Path) -> dict[Path, str]:
    """Each file under a checkout's root that holds the definition, and what belongs in it."""
    return {
        root / "crds" / "immutantapps.yaml": plain_file(),
        root / "charts" / "immutant" / "templates" / "crd.yaml": chart_template(),
    }
