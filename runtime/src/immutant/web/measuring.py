"""Counting requests, whoever answers them: routes, mounted applications, or nobody.

Belongs here: what is counted of an exchange. Routers' checks are not users' requests and are left
out. Paths are no labels: each visitor could make up another one.
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from immutant.counting import OTHER
from immutant.health import is_check
from immutant.running import Binding, Replica
from immutant.webside import METHODS

__all__ = ["Measured"]

_STREAM: Final = b"text/event-stream"


class Measured:
    """ASGI middleware: counts into the tally of the replica that runs here."""

    def __init__(self, app: ASGIApp, binding: Binding) -> None:
        self._app = app
        self._binding = binding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replica = self._binding.find()
        if replica is None or scope["type"] == "lifespan" or is_check(scope["headers"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(replica, scope, receive, send)
        else:
            with _Gauge(replica, "immutant_websockets_open"):
                await self._app(scope, receive, send)

    async def _request(self, replica: Replica, scope: Scope, receive: Receive, send: Send) -> None:
        request = _Request(replica, scope["method"], send)
        try:
            with _Gauge(replica, "immutant_http_requests_in_progress"):
                await self._app(scope, receive, request.send)
        finally:
            request.end()


class _Gauge:
    """One more while the context is open."""

    def __init__(self, replica: Replica, name: str) -> None:
        self._tally = replica.tally
        self._name = name

    def __enter__(self) -> None:
        self._tally.add(self._name)

    def __exit__(self, *_: object) -> None:
        self._tally.add(self._name, amount=-1)


class _Request:
    """One request, counted once: at its end, or when its event stream begins."""

    def __init__(self, replica: Replica, method: str, send: Send) -> None:
        self._replica = replica
        self._method = method if method in METHODS else OTHER
        self._send = send
        self._began = replica.clock.now()
        # What raises before it answers is answered by the server.
        self._code = "500"
        self._is_counted = False

    async def send(self, message: Message) -> None:
        """Pass on what the application says."""
        await self._send(message)
        if message["type"] == "http.response.start":
            self._code = str(message["status"])
            if _is_stream(message):
                self.end()

    def end(self) -> None:
        """Count it; again it is nothing."""
        if self._is_counted:
            return
        self._is_counted = True
        tally, seconds = self._replica.tally, self._replica.clock.now() - self._began
        tally.add("immutant_http_requests", self._method, self._code)
        tally.time("immutant_http_request_seconds", self._method, seconds=seconds)


def _is_stream(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(_STREAM)
        for name, value in start.get("headers", ())
    )
