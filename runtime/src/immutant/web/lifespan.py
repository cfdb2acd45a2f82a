"""Starting and stopping mounted ASGI applications with ours.

Belongs here: speaking the lifespan protocol to an application, which Starlette's `Mount` does not.
"""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Mounted"]

_KINDS = ("startup", "shutdown")


class Mounted:
    """A mounted application with what it set up for its requests."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._state: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._state:
            scope["state"] = {**scope.get("state", {}), **self._state}
        await self._application(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start the application, and stop it when the context is left.

        Raises:
            Exception: What kept it from starting.
        """
        life = _Life(self._application, self._state)
        await life.tell("startup")
        try:
            yield
        finally:
            await life.tell("shutdown")
            await life.end()


class _Life:
    """One run of an application's lifespan, in a task of its own as the protocol asks."""

    def __init__(self, application: ASGIApp, state: MutableMapping[str, Any]) -> None:
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: dict[str, asyncio.Future[None]] = {
            kind: asyncio.get_running_loop().create_future() for kind in _KINDS
        }
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
        self._task = asyncio.ensure_future(self._run(application, scope))

    async def tell(self, kind: str) -> None:
        """Tell the application, and wait until it is done with it.

        Raises:
            RuntimeError: It failed.
        """
        self._events.put_nowait({"type": f"lifespan.{kind}"})
        await asyncio.wait({self._task, self._answers[kind]}, return_when=asyncio.FIRST_COMPLETED)
        if self._answers[kind].done():
            self._answers[kind].result()

    async def end(self) -> None:
        """Return when nothing of it runs any more."""
        await asyncio.wait({self._task})

    async def _run(self, application: ASGIApp, scope: Scope) -> None:
        try:
            await application(scope, self._events.get, self._answer)
        except Exception:
            # By the protocol this says: I know of no lifespan. What failed was answered before.
            return

    async def _answer(self, message: Message) -> None:
        kind, _, outcome = message["type"].removeprefix("lifespan.").partition(".")
        answer = self._answers[kind]
        if outcome == "complete":
            answer.set_result(None)
        else:
            answer.set_exception(RuntimeError(f"{kind} failed: {message.get('message', '')}"))
