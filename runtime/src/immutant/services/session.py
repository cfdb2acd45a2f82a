"""A web session as one request sees it.

Belongs here: the mapping, what this request changed of it, and saving that. Not here: storing
(`immutant.services.session_store`), cookies and ASGI (`immutant.web.sessions`).
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Protocol, Self, overload

from immutant.errors import NotRunningError, SessionEndedError
from immutant.services.blocking import wait_for
from immutant.services.session_store import Attributes, SessionStore
from immutant.values import Value, encode

__all__ = ["BlockingSession", "Session"]

_log = logging.getLogger("immutant.session")


class _Request(Protocol):
    """What Starlette's Request and WebSocket have in common here."""

    @property
    def scope(self) -> MutableMapping[str, Any]: ...


class Session(MutableMapping[str, Value]):
    """A mapping from text to JSON values, the same whichever replica answers.

    What a request changes is saved before its response starts. Requests of one session that run at
    the same time merge attribute by attribute, the last writer winning; `update` is exact.
    """

    def __init__(
        self,
        store: SessionStore,
        known: str | None = None,
        attributes: Attributes | None = None,
        *,
        is_kept: bool = True,
    ) -> None:
        """Begin a new session, or go on with one that was read.

        Args:
            store: Where sessions are kept.
            known: The session's id; None for one that is not stored.
            attributes: What was read.
            is_kept: False for a session that nobody will come back to: it is never stored.
        """
        self.id = known
        self._is_kept = is_kept
        self._store = store
        self._attributes: Attributes = dict(attributes or {})
        self._known = _snapshot(self._attributes)
        self._ended: list[str] = []
        self._rotating = False
        self._sealed = False

    @classmethod
    def of(cls, request: "_Request") -> Self:
        """The session of a request or websocket: `request.session` with its own type.

        Raises:
            NotRunningError: The request did not come through the session middleware.
        """
        session = request.scope.get("session")
        if not isinstance(session, cls):
            raise NotRunningError(
                "this request has no session: its application was made with sessions=None, or "
                "another session middleware stands in between"
            )
        return session

    def __getitem__(self, key: str) -> Value:
        return self._attributes[key]

    def __setitem__(self, key: str, value: Value) -> None:
        _encode(key, value)  # refuse here, where the user's line is still on the stack
        self._attributes[key] = value

    def __delitem__(self, key: str) -> None:
        del self._attributes[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

    @property
    def blocking(self) -> "BlockingSession":
        """The exact update for plain `def` handlers, which run in threads."""
        return BlockingSession(self, self._store)

    @overload  # type: ignore[override]  # one way more than a mapping has
    def update(self, key: str, change: Callable[[Value], Value], /) -> Awaitable[Value]: ...

    @overload
    def update(
        self, other: Mapping[str, Value] | Iterable[tuple[str, Value]] = (), /, **more: Value
    ) -> None: ...

    def update(self, /, *args: Value, **more: Value) -> Value:
        """Change one attribute exactly, or, as any mapping, take over another's items.

        `await session.update("count", lambda count: (count or 0) + 1)` gives the function the value
        that is stored now (None without one) and stores its result at once, atomically; the
        function may be called several times. It returns the new value. It raises SessionEndedError
        when the session ended meanwhile, by a logout in another request or by idleness: nothing was
        stored, and nothing brings the session back.
        """
        if len(args) == 2:
            return self._update(*args)
        super().update(*args, **more)
        return None

    def invalidate(self) -> None:
        """End this session for good; what is set from now on begins a new one."""
        if self.id is not None:
            self._ended.append(self.id)
        self.id = None
        self._rotating = False
        self._attributes = {}
        self._known = {}

    def rotate(self) -> None:
        """Go on under a new id, as one should after a login; the old one is no session any more."""
        self._rotating = self.id is not None

    def seal(self) -> None:
        """The response has started: no cookie can be given any more."""
        self._sealed = True

    async def save(self) -> None:
        """Store what this request changed.

        Raises:
            StoreError: It was not stored.
            ValueRefusedError: An attribute is no JSON any more, or the whole is over the limit.
        """
        while self._ended:
            await self._store.end(self._ended[-1])
            self._ended.pop()
        if self._rotating and self._sealed:
            self._rotating = False
            _log.warning(
                "a session was rotated after its response had started, and keeps its id: no cookie "
                "could be given any more; rotate before streaming"
            )
        if self._rotating:
            await self._rotate()
        elif self._is_kept and self._is_changed():
            await self._save()

    async def _save(self) -> None:
        if self.id is not None:
            self._take_over(await self._store.change(self.id, self._merge))
        elif self._sealed:
            _log.warning(
                "a session was begun after its response had started and is lost: no cookie "
                "could be given any more; set attributes before streaming"
            )
        else:
            self.id = await self._store.create(self._attributes)
            self._take_over(self._attributes)

    async def _rotate(self) -> None:
        assert self.id is not None
        self._rotating = False
        # First the new one: a crash in between leaves the old one good, and loses nothing.
        successor = await self._store.create(self._attributes)
        last = await self._store.end(self.id)
        if last is None:
            # Another request ended it, perhaps by rotating it too: the cookie that one gave is the
            # one that counts, and ours must not touch it.
            await self._store.end(successor)
            self._take_over(None)
            return
        self.id = successor
        self._take_over(await self._store.change(successor, lambda _: self._merge(last)))

    async def _update(self, key: str, change: Callable[[Value], Value]) -> Value:
        mine = key in self._attributes and self._is_mine(key)
        pending = self._attributes.get(key)

        def apply(stored: Attributes) -> Attributes:
            return {**stored, key: change(pending if mine else stored.get(key))}

        if self.id is None:
            self[key] = change(pending)
            await self.save()
            return self._attributes.get(key)
        stored = await self._store.change(self.id, apply)
        if stored is None:
            self._take_over(None)
            raise SessionEndedError(
                f"the session ended while {key!r} was updated, so that nothing was stored: it was "
                "logged out in another request or idle too long; answer as to one who is not "
                "logged in, or call invalidate() first to begin a new session"
            )
        self._attributes[key] = stored[key]
        self._known[key] = _encode(key, stored[key])
        return stored[key]

    def _merge(self, stored: Attributes) -> Attributes:
        """What is stored with what this request changed of it."""
        kept = {key: value for key, value in stored.items() if not self._is_removed(key)}
        mine = {key: value for key, value in self._attributes.items() if self._is_mine(key)}
        return {**kept, **mine}

    def _is_changed(self) -> bool:
        return any(map(self._is_mine, self._attributes)) or any(map(self._is_removed, self._known))

    def _is_mine(self, key: str) -> bool:
        return self._known.get(key) != _encode(key, self._attributes[key])

    def _is_removed(self, key: str) -> bool:
        return key in self._known and key not in self._attributes

    def _take_over(self, stored: Attributes | None) -> None:
        """See what is stored now; None: the session ended meanwhile, and its changes with it."""
        self._attributes = dict(stored or {})
        self._known = _snapshot(self._attributes)


class BlockingSession:
    """`Session` for threads; the mapping itself works in any thread."""

    def __init__(self, session: Session, store: SessionStore) -> None:
        self._session = session
        self._store = store

    def update(self, key: str, change: Callable[[Value], Value]) -> Value:
        """See `Session.update`."""
        replica = self._store.replica
        return wait_for(replica, lambda: self._session.update(key, change), "the web session")


def _encode(key: str, value: Value) -> bytes:
    if not isinstance(key, str):
        raise TypeError(f"session attributes have text names, not {key!r}; write str(...)")
    if isinstance(value, bytes | bytearray | memoryview):
        value = {key: value}  # inside the session's JSON, where bytes are refused with a remedy
    return encode(value, f"the session attribute {key!r}")


def _snapshot(attributes: Attributes) -> dict[str, bytes]:
    return {key: _encode(key, value) for key, value in attributes.items()}
