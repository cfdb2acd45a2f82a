"""Sessions for any ASGI application (coordination.md, rule 20).

Belongs here: the cookie, and saving before the response starts. Not here: what a session is
(`immutant.services.session`).
"""

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from immutant.definitions import SessionOptions
from immutant.health import is_check
from immutant.services.session import Session
from immutant.services.session_store import SessionStore
from immutant.web.cookies import SessionCookie

__all__ = ["SessionMiddleware"]

_STARTS = ("http.response.start", "websocket.accept")


class SessionMiddleware:
    """ASGI middleware: `scope["session"]`, which is Starlette's `request.session`."""

    def __init__(self, app: ASGIApp, store: SessionStore, options: SessionOptions) -> None:
        self._app = app
        self._store = store
        self._cookie = SessionCookie(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if is_check(scope["headers"]):
            # Nobody comes back with a check's cookie: it must not leave a session every 2 s.
            scope["session"] = Session(self._store, is_kept=False)
            await self._app(scope, receive, send)
            return
        session = scope["session"] = await self._load(scope)
        known = session.id

        async def sending(message: Message) -> None:
            if message["type"] in _STARTS:
                await session.save()
                await self._give(message, scope, known, session.id)
                session.seal()
            await send(message)

        await self._app(scope, receive, sending)
        await session.save()  # what a streaming response or a websocket has changed since

    async def _load(self, scope: Scope) -> Session:
        given = HTTPConnection(scope).cookies.get(self._cookie.name)
        known = self._cookie.read(given, await self._secret()) if given else None
        attributes = await self._store.read(known) if known else None
        if attributes is None:
            return Session(self._store)
        return Session(self._store, known, attributes)

    async def _give(
        self, message: Message, scope: Scope, known: str | None, given: str | None
    ) -> None:
        """Add the cookie when the session has another id than the client knows of."""
        if given == known:
            return
        headers = MutableHeaders(raw=list(message.get("headers", [])))
        is_secure = scope.get("scheme") in ("https", "wss")
        if given is None:
            headers.append("set-cookie", self._cookie.removal(is_secure))
        else:
            headers.append("set-cookie", self._cookie.write(given, await self._secret(), is_secure))
        message["headers"] = headers.raw

    async def _secret(self) -> bytes:
        return await self._store.replica.secret("session")
