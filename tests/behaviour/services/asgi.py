"""Speaking ASGI to an application by hand, where an HTTP client cannot."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


async def websocket(asgi: Any, path: str, *texts: str) -> list[dict[str, Any]]:
    """Connect, send the texts; all that the application sent."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "websocket.connect"})
    for text in texts:
        incoming.put_nowait({"type": "websocket.receive", "text": text})
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": path, "headers": [], "query_string": b"", "scheme": "ws"}
    await asgi(scope, incoming.get, send)
    return sent


@asynccontextmanager
async def lifespan(asgi: Any) -> AsyncIterator[None]:
    """Start the application as a server does, and stop it."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def tell(kind: str) -> None:
        incoming.put_nowait({"type": f"lifespan.{kind}"})
        answer = await outgoing.get()
        if answer["type"] != f"lifespan.{kind}.complete":
            raise RuntimeError(answer["message"])

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    server = asyncio.create_task(asgi(scope, incoming.get, outgoing.put))
    try:
        await tell("startup")
        yield
        await tell("shutdown")
    finally:
        await asyncio.wait([server])
        server.exception()
