"""Spans of requests and WebSockets.

Belongs here: their names and attributes, by OpenTelemetry's semantic conventions for HTTP server
spans; a WebSocket is the request that opened it, for as long as it is open. Health checks have
none: they come every two seconds from every router and say nothing of the application's work.

Not told: the query and the client's address, since both may be somebody's secret.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.routing import Mount

from immutant.health import is_check
from immutant.telemetry.spans import SpanTracer
from immutant.webside import METHODS, Application, Message, Receive, Scope, Send

__all__ = ["TracedRequests"]

_OF_WEBSOCKETS: Final = {"websocket.accept": 101, "websocket.close": 403}
"""What the web server answers for the first word of an application to a client of a WebSocket."""

_SERVER_ERROR: Final = 500


class TracedRequests:
    """An ASGI application around the application: a span for each request."""

    def __init__(self, application: Application, tracer: SpanTracer) -> None:
        self._application = application
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or is_check(scope["headers"]):
            await self._application(scope, receive, send)
            return
        attributes = _attributes(scope)
        caller = propagate.extract(_carrier(scope["headers"]), Context())
        name = _name(scope, None)
        with self._tracer.span(name, SpanKind.SERVER, attributes, caller) as span:
            answer = _Answer(span, send)
            try:
                await self._application(scope, receive, answer.send)
            finally:
                _name_by_route(span, scope)


class _Answer:
    """How the application answers one request, seen on its way out."""

    def __init__(self, span: Span, send: Send) -> None:
        self._span = span
        self._send = send
        self._is_begun = False

    async def send(self, message: Message) -> None:
        """Take note, and pass it on."""
        status = self._status(message)
        if status is not None and not self._is_begun:
            self._is_begun = True
            self._span.set_attribute("http.response.status_code", status)
            if status >= _SERVER_ERROR:
                self._span.set_attribute("error.type", str(status))
                self._span.set_status(Status(StatusCode.ERROR))
        await self._send(message)

    def _status(self, message: Message) -> int | None:
        """The status of the answer that begins with this message, if one does."""
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            return int(message["status"])
        return _OF_WEBSOCKETS.get(message["type"])


def _attributes(scope: Scope) -> dict[str, str]:
    method = _method(scope)
    known = {
        "http.request.method": method if method in METHODS else "_OTHER",
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
    if method not in METHODS:
        known["http.request.method_original"] = method
    if scope["type"] == "websocket":
        known["network.protocol.name"] = "websocket"
    for name, value in scope["headers"]:
        if name == b"user-agent":
            known["user_agent.original"] = value.decode("latin-1")
    return known


def _method(scope: Scope) -> str:
    return str(scope.get("method", "GET"))  # a WebSocket is opened by one


def _name(scope: Scope, route: str | None) -> str:
    method = _method(scope)
    name = method if method in METHODS else "HTTP"
    return name if route is None else f"{name} {route}"


def _name_by_route(span: Span, scope: Scope) -> None:
    """Which route it was the routers have found out by now; outside of all there is none."""
    route = _route(scope)
    if route is not None:
        span.update_name(_name(scope, route))
        span.set_attribute("http.route", route)


def _route(scope: Scope) -> str | None:
    """The template of the path: the innermost router's that told, below its mounts."""
    route, root = scope.get("route"), str(scope.get("root_path", ""))
    if isinstance(route, Mount):
        return f"{root}/{{path}}"
    path = getattr(route, "path", None)
    return None if path is None else root + str(path)


def _carrier(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in headers:
        found[name.decode("latin-1")].append(value.decode("latin-1"))
    return found
