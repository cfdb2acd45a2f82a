"""What is there of each app: the newest word about each object, whoever brought it.

Watches bring most of it, and soon; the operator's own writes bring what came of them; a list of
each minute brings what the watches have missed. Their words come in any order, so that the newer
one counts, by resourceVersion. Belongs here: that memory. Not here: who fills it (`handlers`,
`rounds`), and what is done by it (`reconciler`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from immutant_operator.kinds import APP, OWNED
from immutant_operator.objects import Json
from immutant_operator.observed import Pod
from immutant_operator.registry import Key
from immutant_operator.seen import Seen, version_of

__all__ = ["Inventory", "Store"]

Inventory = dict[tuple[str, str], Seen]
"""The objects that an app has, by kind and name."""

_OWNED_KINDS = {kind.name for kind in OWNED}


class Store:
    """The objects in view, by kind and by app."""

    def __init__(self) -> None:
        self._kinds: defaultdict[str, dict[Key, Seen]] = defaultdict(dict)
        self._apps: defaultdict[Key, dict[tuple[str, str], Seen]] = defaultdict(dict)
        self._listed: dict[str, int] = {}
        self._gone: defaultdict[str, dict[Key, int]] = defaultdict(dict)

    @property
    def apps(self) -> list[Key]:
        """All apps."""
        return list(self._kinds[APP.name])

    def app(self, key: Key) -> Json | None:
        """An app as it is written, without the fields' managers; not to be changed."""
        found = self._kinds[APP.name].get(key)
        return found.content if found is not None and isinstance(found.content, dict) else None

    def inventory(self, key: Key) -> Inventory:
        """The objects with an app's label, of the kinds that an app may own."""
        found = self._apps.get(key, {})
        return {one: seen for one, seen in found.items() if one[0] in _OWNED_KINDS}

    def pods(self, key: Key) -> tuple[Pod, ...]:
        """An app's own pods."""
        found = self._apps.get(key, {})
        return tuple(seen.content for seen in found.values() if isinstance(seen.content, Pod))

    def saw(self, body: Mapping[str, Any]) -> set[Key]:
        """Take note of an object.

        Returns:
            The apps that are concerned: none, where nothing is new that is decided by.
        """
        seen = Seen.read(body)
        if seen is None:
            return self.lost(body)
        return self._put(seen) if self._is_news(seen) else set()

    def lost(self, body: Mapping[str, Any]) -> set[Key]:
        """Take note that an object has gone, or is not to be kept in view any more."""
        metadata, kind, version = body["metadata"], body["kind"], version_of(body)
        key = metadata["namespace"], metadata["name"]
        former = self._kinds[kind].get(key)
        if former is None or former.version > version:
            return set()
        self._gone[kind][key] = version
        return self._drop(former)

    def listed(self, kind: str, version: int, found: Iterable[Seen]) -> set[Key]:
        """Take note of all objects of a kind, as they were at one version.

        What is not among them and was seen before that has gone. A version that is lower than that
        of the list before is of an API server that was set back: nothing that was seen counts then.
        """
        there, concerned = {one.key: one for one in found}, set()
        is_set_back = version < self._listed.get(kind, 1)
        for former in list(self._kinds[kind].values()):
            if is_set_back or (former.key not in there and former.version <= version):
                concerned |= self._drop(former)
        gone = {} if is_set_back else self._gone[kind]
        for one in there.values():
            former_one = self._kinds[kind].get(one.key)
            newest = former_one.version if former_one is not None else gone.get(one.key, 0)
            if one.version > newest:
                concerned |= self._put(one)
        self._listed[kind] = version
        self._gone[kind] = {key: when for key, when in gone.items() if when > version}
        return concerned

    def _is_news(self, seen: Seen) -> bool:
        former = self._kinds[seen.kind].get(seen.key)
        if former is not None:
            return seen.version > former.version
        # What is not there now and is older than the last list has gone since.
        known = max(self._listed.get(seen.kind, 0), self._gone[seen.kind].get(seen.key, 0))
        return seen.version > known

    def _put(self, seen: Seen) -> set[Key]:
        former = self._kinds[seen.kind].get(seen.key)
        if former is not None and former.owner != seen.owner:
            self._drop(former)
        self._kinds[seen.kind][seen.key] = seen
        self._apps[seen.owner][seen.kind, seen.name] = seen
        if former is None:
            return {seen.owner}
        same = former.uid == seen.uid and former.content == seen.content
        return set() if same and former.owner == seen.owner else {former.owner, seen.owner}

    def _drop(self, former: Seen) -> set[Key]:
        del self._kinds[former.kind][former.key]
        of_app = self._apps[former.owner]
        del of_app[former.kind, former.name]
        if not of_app:
            del self._apps[former.owner]
        return {former.owner}
