"""What a client and the application have with each other: one request, or one WebSocket.

Belongs here: seeing in the ASGI messages what an answer has to say and where an exchange may end,
and ending it. Not here: when that is (`immutant.serve.connections`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from immutant.webside import Message, Receive, Scope, Send

__all__ = ["Departure", "EndedError", "Exchange", "Request", "WebSocket"]

SERVICE_RESTART: Final = 1012
"""The close code that tells a WebSocket's client to connect anew (IANA's registry for RFC 6455)."""

_EVENT_ENDS: Final = (b"\n\n", b"\r\r", b"\r\n\r\n")
"""The empty line after an event (WHATWG HTML, 9.2.5)."""

_CLOSE: Final = (b"connection", b"close")


@dataclass
class Departure:
    """How far this process is on its way out.

    Attributes:
        is_announced: The next request of a client is to go elsewhere.
        is_due: What does not end by itself is ended.
    """

    is_announced: bool = False
    is_due: bool = False


class EndedError(OSError):
    """The application sends on an exchange that was ended here; ASGI asks for an OSError then."""

    def __init__(self) -> None:
        super().__init__("this process is stopping and has ended the connection")


class Exchange(ABC):
    """One exchange as the application sees it.

    Attributes:
        is_ended: It was ended here, and not by client or application.
    """

    def __init__(self, departure: Departure, receive: Receive, send: Send) -> None:
        self.is_ended = False
        self._departure = departure
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """What the client says; after the end the server says that it has gone."""
        return await self._receive()

    async def send(self, message: Message) -> None:
        """Pass on what the application says.

        Raises:
            EndedError: It was ended here.
        """
        if self.is_ended:
            raise EndedError
        await self._send(self._seen(message))
        if self._departure.is_due:
            await self.end()

    async def end(self) -> None:
        """End it, if it would not end by itself and may end here."""
        if self._may_end() and not self.is_ended:
            self.is_ended = True
            await self._send(self._last())

    @abstractmethod
    def _seen(self, message: Message) -> Message:
        """Take note of what the application says; what the client is to be told."""

    @abstractmethod
    def _may_end(self) -> bool:
        """Whether what was said so far is whole."""

    @abstractmethod
    def _last(self) -> Message:
        """What ends it."""


class WebSocket(Exchange):
    """A WebSocket: it may end between two messages, so whenever it is open."""

    _is_open = False

    def _seen(self, message: Message) -> Message:
        if message["type"] in ("websocket.accept", "websocket.close"):
            self._is_open = message["type"] == "websocket.accept"
        return message

    def _may_end(self) -> bool:
        return self._is_open

    def _last(self) -> Message:
        """The server waits for the client's own word, and tells the application."""
        return {"type": "websocket.close", "code": SERVICE_RESTART, "reason": "service restart"}


class Request(Exchange):
    """A request and its response.

    The response ends by itself, unless it is a stream of server-sent events. That may end between
    two events: its client sees a response that is whole, and an EventSource connects anew.
    """

    def __init__(self, departure: Departure, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__(departure, receive, send)
        self._is_read = not _has_body(scope["headers"])
        self._is_event_stream = False
        self._tail = b""

    async def receive(self) -> Message:
        message = await super().receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._is_read = True
        return message

    def _seen(self, message: Message) -> Message:
        if message["type"] == "http.response.start":
            return self._begun(message)
        if message["type"] == "http.response.body" and self._is_event_stream:
            self._tail = (self._tail + message.get("body", b""))[-4:]
            self._is_event_stream = message.get("more_body", False)
        return message

    def _begun(self, message: Message) -> Message:
        headers = [(name.lower(), value) for name, value in message.get("headers", ())]
        named = dict(headers)
        self._is_event_stream = named.get(b"content-type", b"").startswith(b"text/event-stream")
        # The server closes right after such an answer. A client that was still sending its request
        # would find the connection reset, and perhaps not the answer.
        if self._departure.is_announced and self._is_read and b"connection" not in named:
            return {**message, "headers": [*headers, _CLOSE]}
        return message

    def _may_end(self) -> bool:
        return self._is_event_stream and (not self._tail or self._tail.endswith(_EVENT_ENDS))

    def _last(self) -> Message:
        return {"type": "http.response.body", "body": b"", "more_body": False}


def _has_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request with these headers, their names in lower case, has a body to be read."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip() != b"0")
        for name, value in headers
    )
