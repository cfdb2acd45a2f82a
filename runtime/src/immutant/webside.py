"""The part of the App that defines pages, and that a web server calls.

Belongs here: routes, mounts, and being an ASGI application. Not here: serving requests
(`immutant.web`, loaded with the first of them).
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias, TypeVar

from immutant.definitions import (
    Function,
    MountDefinition,
    Registry,
    RouteDefinition,
    SessionOptions,
    check_callable,
)
from immutant.errors import DefinitionError
from immutant.place import Place
from immutant.running import Binding

__all__ = ["METHODS", "Application", "Message", "Receive", "Scope", "Send", "WebSide"]

F = TypeVar("F", bound=Function)

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

METHODS: Final = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
)
"""What metrics and traces name. What others send is no name: there is no end of it."""


class WebSide:
    """Pages and mounts; `App` adds the rest."""

    name: str
    sessions: SessionOptions | None
    definitions: Registry
    binding: Binding
    _asgi: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None

    def get(self, path: str) -> Callable[[F], F]:
        """Answer GET (and HEAD) requests for the path; see `route`."""
        return self.route(path, methods=("GET", "HEAD"))

    def post(self, path: str) -> Callable[[F], F]:
        """Answer POST requests for the path; see `route`."""
        return self.route(path, methods=("POST",))

    def put(self, path: str) -> Callable[[F], F]:
        """Answer PUT requests for the path; see `route`."""
        return self.route(path, methods=("PUT",))

    def patch(self, path: str) -> Callable[[F], F]:
        """Answer PATCH requests for the path; see `route`."""
        return self.route(path, methods=("PATCH",))

    def delete(self, path: str) -> Callable[[F], F]:
        """Answer DELETE requests for the path; see `route`."""
        return self.route(path, methods=("DELETE",))

    def route(self, path: str, *, methods: tuple[str, ...] = ("GET", "HEAD")) -> Callable[[F], F]:
        """Answer requests for the path with what the decorated function returns.

        It is called with Starlette's Request, if it takes an argument, and returns text, a dict or
        list (sent as JSON), bytes, None (204) or a Response.

        Args:
            path: May hold parameters: "/orders/{number:int}", found in `request.path_params`.
            methods: The HTTP methods.
        """
        place = Place.of_caller()
        return self._route(path, tuple(method.upper() for method in methods), place)

    def websocket(self, path: str) -> Callable[[F], F]:
        """Serve websockets at the path; the function is called with Starlette's WebSocket."""
        return self._route(path, (), Place.of_caller())

    def mount(self, path: str, application: Function) -> None:
        """Serve everything under the path by another ASGI or WSGI application."""
        place = Place.of_caller()
        self._check(path, place)
        self.definitions.claim("mount", path.rstrip("/") or "/", place)
        check_callable(application, "a mounted application", place)
        self.definitions.mounts.append(MountDefinition(path, application, place))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an ASGI application."""
        if self._asgi is None:
            from immutant.web import build

            self._asgi = build(self)
        await self._asgi(scope, receive, send)

    def _route(self, path: str, methods: tuple[str, ...], place: Place) -> Callable[[F], F]:
        self._check(path, place)
        for method in methods or ("websocket",):
            self.definitions.claim(f"{method} route", path, place)

        def decorate(function: F) -> F:
            check_callable(function, "a web handler", place)
            self.definitions.routes.append(RouteDefinition(path, methods, function, place))
            return function

        return decorate

    def _check(self, path: str, place: Place) -> None:
        if not path.startswith("/"):
            raise DefinitionError(
                f"{place}: the path {path!r} must begin with a slash: write '/{path}'"
            )
        if self._asgi is not None:
            raise DefinitionError(
                f"{place}: the application has begun to serve, and would never look at {path!r}; "
                "define pages and mounts when their module is imported"
            )
