"""Answers that go on for as long as somebody listens, line by line (NDJSON).

Belongs here: when they begin and end. Not here: what the lines say (`api`).
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["Lines", "Stream"]


class Lines:
    """An answer that is sent line by line."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def begin(self) -> None:
        """Send the head; from here on nothing can be refused any more."""
        headers = [(b"content-type", b"application/x-ndjson")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        # Nothing may hold the head back until the first event: standing has begun.
        await self.send(b"")

    async def send(self, line: bytes, *, more: bool = True) -> None:
        """Send a line, its end included; without `more` it is the last."""
        await self._send({"type": "http.response.body", "body": line, "more_body": more})


class Stream(Response):
    """An answer that streams until its work ends or the client goes away."""

    def __init__(self, work: Callable[[Lines], Awaitable[None]]) -> None:
        super().__init__()
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lines = Lines(send)
        work = asyncio.ensure_future(self._work(lines))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
        if not work.cancelled():
            work.result()
            await lines.send(b"", more=False)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
