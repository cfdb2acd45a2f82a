"""The blueprint that an app has, asked for when it may be another.

What is in view of it is a digest, and whole ones of a thousand apps would be tens of megabytes: the
last one is remembered as a compressed text. Belongs here: that memory, and what is asked for. Not
here: what a blueprint is (`immutant_operator.builders`), and which one is used
(`immutant_operator.keeping`).
"""

import json
import zlib

from immutant.contract import names
from immutant_operator.api import Api
from immutant_operator.builders import blueprint, newest
from immutant_operator.kinds import CONFIG_MAP, DEPLOYMENT, REVISION, STATEFULSET, Kind
from immutant_operator.objects import Json
from immutant_operator.spec import App
from immutant_operator.store import Store

__all__ = ["Blueprints"]

Objects = dict[tuple[str, str], Json]
"""Objects by kind and name."""


class Blueprints:
    """What is remembered of one app's blueprint; losing it costs a request."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store
        self._digests: frozenset[str] = frozenset()
        self._text = b""

    async def there(self, app: App, *, ask: bool) -> Objects:
        """The objects that tell what the app's pods are made from.

        Args:
            app: The app.
            ask: Whether to ask the API server also where nothing that is in view has changed.

        Returns:
            Its blueprint; without one its StatefulSet and its router, as far as they are there.
        """
        digests = self._in_view(app)  # before the request: what it shows is newer, never older
        if not ask and digests == self._digests and (kept := self._remembered(app)):
            return kept
        known = newest(app, await self._revisions(app))
        if known is None:
            self._text = b""
            return await self._made(app)
        found = blueprint(app, known)
        self._digests, self._text = digests, zlib.compress(json.dumps(found).encode())
        return _by_key(found)

    def _in_view(self, app: App) -> frozenset[str]:
        there = self._store.inventory(app.key)
        return frozenset(one.digest for (kind, _), one in there.items() if kind == REVISION.name)

    def _remembered(self, app: App) -> Objects:
        if not self._text:
            return {}
        found: Json = json.loads(zlib.decompress(self._text))
        return _by_key(found) if newest(app, [found]) else {}

    async def _revisions(self, app: App) -> list[Json]:
        selector = f"{names.APP_LABEL}={app.name},{REVISION.selector}"
        pages = self._api.pages(REVISION.version, REVISION.name, app.namespace, selector)
        return [body async for page in pages for body in page.items]

    async def _made(self, app: App) -> Objects:
        router = names.router_name(app.name)
        found = await self._find(app, STATEFULSET, app.name)
        if found:  # without it nothing else is looked at
            found |= await self._find(app, DEPLOYMENT, router)
            found |= await self._find(app, CONFIG_MAP, router)
        return found

    async def _find(self, app: App, kind: Kind, name: str) -> Objects:
        found = await self._api.find(kind.version, kind.name, app.namespace, name)
        return _by_key(found) if found is not None else {}


def _by_key(body: Json) -> Objects:
    return {(body["kind"], body["metadata"]["name"]): body}
