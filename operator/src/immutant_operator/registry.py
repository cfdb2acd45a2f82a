"""Which apps there are, and what they refer to.

Belongs here: the memory by which an event about a ConfigMap or a Secret finds its apps. It may be
lost at any time: the next round of reconciles fills it again.
"""

from collections.abc import Iterable

__all__ = ["Key", "Registry"]

Key = tuple[str, str]
"""An app's namespace and name."""


class Registry:
    """References of apps by their keys."""

    def __init__(self) -> None:
        self._references: dict[Key, frozenset[tuple[str, str]]] = {}

    @property
    def apps(self) -> int:
        """How many apps are known."""
        return len(self._references)

    def refer(self, app: Key, references: Iterable[tuple[str, str]]) -> None:
        """Remember what an app refers to: kinds and names in its namespace."""
        self._references[app] = frozenset(references)

    def forget(self, app: Key) -> None:
        """Forget an app."""
        self._references.pop(app, None)

    def referring(self, kind: str, namespace: str, name: str) -> list[Key]:
        """The apps that refer to an object."""
        found = (kind, name)
        return [
            app for app, named in self._references.items() if found in named and app[0] == namespace
        ]
