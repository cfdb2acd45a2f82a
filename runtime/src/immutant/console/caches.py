"""What can be asked of caches.

Belongs here: looking, and changing single entries of what no tenure relies on. A fenced cache is
not changed from here: a write in nobody's name would pass all fences, and what a daemon has read
there would be changed behind its back.
"""

import asyncio
from typing import Final

from immutant.app import App
from immutant.console.requests import Json, Request, packed
from immutant.errors import ConsoleError
from immutant.services.cache import Cache

__all__ = ["cache_get", "cache_list", "cache_owners", "cache_put", "cache_remove", "caches"]

_ENTRIES: Final = 100
"""Entries that are shown of a cache unless more are asked for."""

_ABSENT: Final = object()


async def caches(app: App, request: Request) -> list[Json]:
    """Each cache, and how many entries it has."""
    definitions = app.definitions.caches
    sizes = await asyncio.gather(*(_size(app, one.name) for one in definitions))
    return [
        {"name": one.name, "fenced": one.fenced, "ttl": one.ttl, "entries": size}
        for one, size in zip(definitions, sizes, strict=True)
    ]


async def cache_get(app: App, request: Request) -> Json:
    """One value; `found` tells an absent one from null."""
    value = await _named(app, request).get(request.text("key"), _ABSENT)
    return {"found": False} if value is _ABSENT else {"found": True, **packed(value)}


async def cache_put(app: App, request: Request) -> Json:
    """Store one value."""
    cache = _unfenced(app, request)
    ttl = request.text("ttl", "")
    await cache.put(request.text("key"), request.value(), ttl=ttl or None)
    return {}


async def cache_remove(app: App, request: Request) -> Json:
    """Remove one entry."""
    return {"removed": await _unfenced(app, request).remove(request.text("key"))}


async def cache_list(app: App, request: Request) -> Json:
    """Some entries; never more than asked for are brought into this process."""
    cache, limit = _named(app, request), request.count("limit", _ENTRIES)
    found = await cache.some(limit)
    entries = [{"key": key, **packed(value)} for key, value in sorted(found.items())]
    return {"entries": entries, "size": await _size(app, cache.name)}


async def cache_owners(app: App, request: Request) -> Json:
    """Who keeps a copy of a key's entry; [] where every replica does."""
    return {"owners": await _named(app, request).owners(request.text("key"))}


async def _size(app: App, name: str) -> int:
    """How many entries the store has, those of a fenced cache included that were removed lately.

    To leave these out, all of the cache would have to be brought into this process.
    """
    store = app.binding.current(f"cache {name!r}").backend.caches
    return await store.size(name)


def _named(app: App, request: Request) -> Cache:
    name = request.text("cache")
    for definition in app.definitions.caches:
        if definition.name == name:
            return Cache(definition, app.binding)
    known = ", ".join(repr(one.name) for one in app.definitions.caches) or "none"
    raise ConsoleError(f"the application has no cache {name!r}; it has: {known}")


def _unfenced(app: App, request: Request) -> Cache:
    cache = _named(app, request)
    if cache.definition.fenced:
        raise ConsoleError(
            f"cache {cache.name!r} is fenced: what a daemon or job has read there, nobody else "
            "changes behind its back, and a write from outside belongs to no tenure that could be "
            "fenced off; change it in the application's code, or in `immutant repl` on your own "
            "judgement"
        )
    return cache
