"""Leases of `coordination.k8s.io` as the election's store.

Belongs here: the LeaseStore of a cluster. Not here: what a lease means (`immutant.election`), its
fields (`records`), requests (`client`).

Anybody with the right may delete or edit a Lease, so one that is missing proves nothing. Nothing
here proves a death either: between two nodes there is no lock, so time decides.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from immutant.clock import Clock
from immutant.contract.names import APP_LABEL
from immutant.errors import ConflictError, StoreError
from immutant.kube.client import KubeClient
from immutant.kube.names import object_name
from immutant.kube.records import Former, Owner, from_object, to_object, version_of
from immutant.kube.watch import WatchStream
from immutant.leases import Lease, LeaseEvent, LeaseSnapshot

__all__ = ["KubeLeases"]

_PAGE: Final = 500

_WATCH: Final = 60
"""Seconds after which the server ends a watch; so an idle one that hangs is noticed."""

_WATCH_SLACK: Final = 10.0

_SHORTEST_WATCH: Final = 1.0
"""A watch that ended earlier is not begun again at once: the server is going away."""

_FRESH: Final = 30.0
"""Seconds for which the calendar is known from the last answer."""


class _NoHold:
    """A life of which there is no proof but time."""

    path: Path | None = None

    def release(self) -> None:
        pass


class KubeLeases:
    """The Leases of one application."""

    absence_is_proof = False

    def __init__(self, client: KubeClient, owner: Owner, clock: Clock, timeout: float) -> None:
        """Keep leases.

        Args:
            client: The connection to the API server.
            owner: The application.
            clock: The machine's clock.
            timeout: Seconds for one request; a page of a listing has twice as long.
        """
        self._client = client
        self._owner = owner
        self._clock = clock
        self._timeout = timeout
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{owner.namespace}/leases"
        self._formers: dict[str, Former] = {}
        self._watches: set[WatchStream] = set()
        self._written = 0
        self._newest = 0
        self._went_back = False

    async def snapshot(self) -> LeaseSnapshot:
        leases: list[Lease] = []
        newest, rest = self._newest, ""
        while True:
            page = await self._page(_PAGE, rest)
            leases += [self._seen(item) for item in page.get("items") or []]
            if not (rest := page["metadata"].get("continue", "")):
                return LeaseSnapshot(leases, self._advance(version_of(page), newest))

    async def watch(self, since: int) -> AsyncIterator[LeaseEvent]:
        if since > self._newest:
            # The server would wait for a version in the future without a word.
            newest = version_of(await self._page(1))
            if since > self._advance(newest, self._newest):
                raise StoreError(f"version {since} is not there yet: the newest is {newest}")
        while True:
            begun = self._clock.now()
            async with self._watching(since) as stream:
                async for kind, found in stream.events():
                    self._newest = max(self._newest, stream.reached)
                    if kind != "BOOKMARK":
                        lease = self._seen(found)
                        there = None if kind == "DELETED" else lease
                        yield LeaseEvent(lease.name, lease.version, there)
                since = stream.reached
            if self._clock.now() - begun < _SHORTEST_WATCH:
                return

    async def read(self, name: str) -> Lease | None:
        answer = await self._client.call("get", self._object(name), timeout=self._timeout)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise StoreError(answer.said)
        return self._seen(answer.body)

    async def write(self, lease: Lease, expect: int) -> int:
        newest = self._newest
        former = await self._former(lease.name, expect) if expect else Former()
        body = to_object(lease, expect, self._owner, former, await self.wall())
        verb, path = ("update", self._object(lease.name)) if expect else ("create", self._path)
        answer = await self._client.call(verb, path, body=body, timeout=self._timeout)
        if answer.status == 409:
            raise ConflictError(answer.said)
        if answer.status not in (200, 201):
            raise StoreError(answer.said)
        self._seen(answer.body)
        self._written = self._advance(version_of(answer.body), newest + 1)
        for stream in self._watches:
            stream.expect(self._written)
        return self._written

    async def wall(self) -> float:
        calendar = self._client.calendar
        if calendar.age(self._clock.now()) > _FRESH:
            await self._client.call("get", "/version", timeout=self._timeout)
        return calendar.at(self._clock.now())

    def hold(self, incarnation: str) -> _NoHold:
        """Nothing to hold: whether an incarnation lives, its renewals say."""
        return _NoHold()

    async def deaths(self) -> AsyncIterator[str]:
        """Ends at once."""
        return
        yield

    async def _former(self, name: str, version: int) -> Former:
        """Of the object that is to be replaced: as it was seen, else as it stands."""
        seen = self._formers.get(name, Former())
        if seen.version < version and await self.read(name) is None:
            raise ConflictError(f"there is no lease {name}")
        return self._formers[name]

    async def _page(self, limit: int, rest: str = "") -> Mapping[str, Any]:
        # Without a resourceVersion: the truth, and not what some cache has (rule 2).
        query = {"labelSelector": self._selector, "limit": str(limit)}
        query |= {"continue": rest} if rest else {}
        answer = await self._client.call("list", self._path, query, timeout=2 * self._timeout)
        if answer.status != 200:
            raise StoreError(answer.said)
        return answer.body

    def _advance(self, version: int, least: int) -> int:
        """Take note of a version; one that is too low means that the past came back.

        After a restored backup versions are given a second time. Tokens would not grow any more,
        and a renewal would count before the watch has shown it.
        """
        self._went_back = self._went_back or version < least
        if self._went_back:
            raise StoreError(
                f"the API server's data went back to version {version} from {least}, as by a "
                "restored backup: no singleton runs in this pod any more; raise "
                "spec.singletons.epoch of the ImmutantApp, which restarts its pods"
            )
        self._newest = max(self._newest, version)
        return version

    @property
    def _selector(self) -> str:
        return f"{APP_LABEL}={self._owner.app}"

    def _object(self, name: str) -> str:
        return f"{self._path}/{quote(object_name(name))}"

    def _seen(self, found: Mapping[str, Any]) -> Lease:
        lease = from_object(found, self._owner)
        self._formers[lease.name] = Former.of(found)
        return lease

    @contextlib.asynccontextmanager
    async def _watching(self, since: int) -> AsyncIterator[WatchStream]:
        query = {
            "watch": "1",
            "labelSelector": self._selector,
            "resourceVersion": str(since),
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(_WATCH),
        }
        silence = _WATCH + _WATCH_SLACK
        async with self._client.stream(
            self._path, query, opening=2 * self._timeout, silence=silence
        ) as lines:
            stream = WatchStream(lines, since, self._timeout)
            stream.expect(self._written)
            self._watches.add(stream)
            try:
                yield stream
            finally:
                self._watches.discard(stream)
