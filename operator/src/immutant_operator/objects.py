"""Kubernetes objects as they travel: JSON, in dicts.

Belongs here: the type. Not here: sending them (`api`), making them (`builders`), and the records
that are read from them (`observed`, `roster`).
"""

from typing import Any, TypeAlias

__all__ = ["Json"]

Json: TypeAlias = dict[str, Any]
