"""What happens each minute, whatever the watches bring: everything is listed, every app looked at.

A watch may hang for up to a minute. And it may miss that an object has gone: after an interruption
that was too long kopf lists what is there, and says nothing of what is there no more. Belongs here:
the lists and the rounds. Not here: what is kept of the lists (`store`).
"""

import asyncio
import logging
import zlib
from collections.abc import Callable
from typing import Final

from immutant_operator.api import Api, ApiError
from immutant_operator.kinds import KEPT, Kind
from immutant_operator.registry import Key
from immutant_operator.seen import Seen
from immutant_operator.store import Store
from immutant_operator.workqueue import WorkQueue

__all__ = ["rounds", "see_all"]

_ROUND: Final = 60
"""Seconds between two lists of everything, and between two looks at an app."""

_REPEAT: Final = 5.0
"""Seconds after which lists that failed are repeated."""

_log = logging.getLogger(__name__)


async def see_all(
    api: Api, namespace: str | None, store: Store, tell: Callable[[Key], None]
) -> None:
    """List everything, in a namespace or (None) in all, for as long as it takes to succeed.

    Args:
        api: The API.
        namespace: Where.
        store: Where it is kept.
        tell: Called with each app of which something was not as the store had it.
    """
    for kind in KEPT:
        while True:
            try:
                concerned = await _see(api, namespace, store, kind)
                break
            except ApiError as error:
                _log.warning("what is there of %s cannot be listed: %s", kind.name, error)
                await asyncio.sleep(_REPEAT)
        for key in concerned:
            tell(key)


async def _see(api: Api, namespace: str | None, store: Store, kind: Kind) -> set[Key]:
    found: list[Seen] = []
    version = 0
    try:
        async for page in api.pages(kind.version, kind.name, namespace, kind.selector):
            found += [seen for body in page.items if (seen := Seen.read(body)) is not None]
            version = version or page.version
    except ApiError as error:
        # Not served; or an older chart's rights, which must not stop apps that want none of it.
        if kind.everywhere or error.status not in (403, 404):
            raise
    return store.listed(kind.name, version, found)


async def rounds(api: Api, namespace: str | None, store: Store, queue: WorkQueue) -> None:
    """See everything and visit every app, each once a minute, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_see_again(api, namespace, store, queue))
        group.create_task(_visit(store, queue))


async def _see_again(api: Api, namespace: str | None, store: Store, queue: WorkQueue) -> None:
    while True:
        await asyncio.sleep(_ROUND)
        await see_all(api, namespace, store, queue.add)


async def _visit(store: Store, queue: WorkQueue) -> None:
    """Each app in its own second of the minute: a thousand at once would wait for each other."""
    second = 0
    while True:
        for key in store.apps:
            if zlib.crc32("/".join(key).encode()) % _ROUND == second:
                queue.add(key)
        second = (second + 1) % _ROUND
        await asyncio.sleep(1.0)
