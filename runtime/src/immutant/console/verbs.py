"""The verbs about data: the one table of what can be asked of an application on its loop.

Belongs here: names and functions. Not here: what must be answered while the loop hangs
(`immutant.console.server`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from immutant.app import App
from immutant.console import caches, jobs, queues
from immutant.console.requests import Json, Request

__all__ = ["VERBS", "Verb"]

Verb = Callable[[App, Request], Awaitable[Json | list[Json]]]

VERBS: Final[Mapping[str, Verb]] = {
    "queues": queues.queues,
    "dead": queues.dead,
    "replay": queues.replay,
    "discard": queues.discard,
    "caches": caches.caches,
    "cache get": caches.cache_get,
    "cache put": caches.cache_put,
    "cache remove": caches.cache_remove,
    "cache list": caches.cache_list,
    "cache owners": caches.cache_owners,
    "jobs": jobs.jobs,
    "pause": jobs.pause,
    "resume": jobs.resume,
    "unschedule": jobs.unschedule,
    "trigger": jobs.trigger,
    "backfill": jobs.run_again,
}
