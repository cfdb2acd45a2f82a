"""What every pod of an app may do: as little as the restricted pod-security level allows.

Belongs here: security contexts, the uid, and folders that can be written. Not here: RBAC.
"""

from typing import Final

from immutant_operator.builders.metadata import Manifest

__all__ = ["CONTAINER", "POD", "scratch"]

_USER: Final = 10001
"""The uid and gid that the images' files are readable for."""

POD: Final[Manifest] = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}

CONTAINER: Final[Manifest] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def scratch(container: str) -> tuple[Manifest, Manifest]:
    """A volume for a container's /tmp, and its mount."""
    name = f"{container}-tmp"
    return {"name": name, "emptyDir": {}}, {"name": name, "mountPath": "/tmp"}  # noqa: S108 - in a pod
