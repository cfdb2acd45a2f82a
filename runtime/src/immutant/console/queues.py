"""What can be asked of queues.

Belongs here: depths and dead letters of every queue that the application defines, those behind
durable subscriptions included.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from immutant.app import App
from immutant.console.requests import Json, Request, packed
from immutant.definitions import QueueDefinition, TopicDefinition
from immutant.errors import ConsoleError
from immutant.services.messages import DeadLetter
from immutant.services.queue import Queue

__all__ = ["dead", "discard", "queues", "replay"]

_LETTERS: Final = 100
"""Dead letters that are shown of a queue unless more are asked for."""


async def queues(app: App, request: Request) -> list[Json]:
    """Each queue: its messages by state, and what listens to it on each replica."""
    found = dict(_queues(app))
    depths = await asyncio.gather(*(queue.depth() for queue in found.values()))
    return [
        {"name": name, **asdict(depth), "listeners": _listeners(app, name)}
        for name, depth in zip(found, depths, strict=True)
    ]


async def dead(app: App, request: Request) -> Json:
    """Dead letters, of one queue or of all, the oldest of each first."""
    limit = request.count("limit", _LETTERS)
    asked = (
        [_named(app, request)] if request.text("queue", "") else list(dict(_queues(app)).values())
    )
    # One more than wanted tells whether that is all.
    found = await asyncio.gather(*(queue.dead(limit + 1) for queue in asked))
    letters = [
        _letter(queue.name, letter)
        for queue, some in zip(asked, found, strict=True)
        for letter in some[:limit]
    ]
    return {"letters": letters, "more": any(len(some) > limit for some in found)}


async def replay(app: App, request: Request) -> Json:
    """Send dead letters of one queue again."""
    return {"replayed": await _named(app, request).replay(_ids(request))}


async def discard(app: App, request: Request) -> Json:
    """Forget dead letters of one queue."""
    return {"discarded": await _named(app, request).discard(_ids(request))}


def _ids(request: Request) -> list[str] | None:
    """Which letters; None: all, which has to be said, since no mistake may mean it."""
    ids = request.texts("ids")
    if ids is None and request.fields.get("all") is not True:
        raise ConsoleError(
            f'{request.verb}: name the letters ("ids"), or all of them ("all": true)'
        )
    return ids


def _letter(queue: str, letter: DeadLetter) -> Json:
    return {
        "queue": queue,
        "id": letter.id,
        "attempts": letter.attempts,
        "reason": letter.reason,
        "died_at": letter.died_at,
        "headers": dict(letter.headers),
        **packed(letter.body),
    }


def _queues(app: App) -> Iterator[tuple[str, Queue]]:
    for definition in app.definitions.queues:
        yield definition.name, Queue(definition, app.binding)
    for listener in app.definitions.listeners:
        if isinstance(listener.source, TopicDefinition) and listener.queue is not None:
            subscription = QueueDefinition(listener.queue, listener.place)
            yield listener.queue, Queue(subscription, app.binding)


def _named(app: App, request: Request) -> Queue:
    name, found = request.text("queue"), dict(_queues(app))
    if name not in found:
        known = ", ".join(map(repr, found)) or "none"
        raise ConsoleError(f"the application has no queue {name!r}; it has: {known}")
    return found[name]


def _listeners(app: App, queue: str) -> list[str]:
    return [
        getattr(listener.function, "__qualname__", repr(listener.function))
        for listener in app.definitions.listeners
        if listener.queue == queue
    ]
