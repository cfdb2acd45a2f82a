"""Wake-ups: whoever waits in this process for something to be committed.

Belongs here: topics and their listeners. Not here: how wake-ups pass between processes (`post`).

A topic is text, "KIND:REST" or "KIND". A wake-up says "look", not what there is to see: after it,
and after a spurious one, the listener looks at the store.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator

__all__ = ["EVERYTHING", "Bell"]

EVERYTHING = "*"
"""The topic that wakes every listener."""


class Bell:
    """The listeners of one process; used from its event loop alone."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._handlers: dict[str, Callable[[str], None]] = {}

    def handle(self, kind: str, handler: Callable[[str], None]) -> None:
        """Call the handler with the rest of each topic of that kind ("" for EVERYTHING)."""
        self._handlers[kind] = handler

    @contextlib.contextmanager
    def listening(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set at each wake-up of the topic."""
        event = asyncio.Event()
        self._listeners.setdefault(topic, set()).add(event)
        try:
            yield event
        finally:
            self._listeners[topic].discard(event)
            if not self._listeners[topic]:
                del self._listeners[topic]

    def ring(self, topics: Iterable[str]) -> None:
        """Wake those who listen to the topics."""
        for topic in topics:
            if topic == EVERYTHING:
                self._ring_all()
                continue
            for event in self._listeners.get(topic, ()):
                event.set()
            kind, _, rest = topic.partition(":")
            if handler := self._handlers.get(kind):
                handler(rest)

    def _ring_all(self) -> None:
        for events in self._listeners.values():
            for event in events:
                event.set()
        for handler in self._handlers.values():
            handler("")
