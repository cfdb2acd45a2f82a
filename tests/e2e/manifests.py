"""Manifests of applications under test."""

import json
from pathlib import Path
from typing import Any


def app_of(name: str, source: Path | str, **spec: Any) -> str:
    """An ImmutantApp and the ConfigMap of its source, for `kubectl apply -f -`."""
    text = source.read_text() if isinstance(source, Path) else source
    objects = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{name}-source"},
            "data": {"app.py": text},
        },
        {
            "apiVersion": "immutant.org/v1alpha1",
            "kind": "ImmutantApp",
            "metadata": {"name": name},
            "spec": {"source": {"configMap": {"name": f"{name}-source"}}, **spec},
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
