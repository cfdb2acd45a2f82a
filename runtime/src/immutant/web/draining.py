"""The health check of routers and balancers.

Belongs here: saying that a replica is leaving, before it leaves, and that a process is there.
"""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from immutant.health import is_check, is_ready_check
from immutant.running import Binding

__all__ = ["DrainCheck"]


class DrainCheck:
    """ASGI middleware: checks get 503 while the replica drains; else the application answers them.

    A check of the process alone is answered here.
    """

    def __init__(self, app: ASGIApp, binding: Binding) -> None:
        self._app = app
        self._binding = binding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self._answer(scope) or self._app)(scope, receive, send)

    def _answer(self, scope: Scope) -> ASGIApp | None:
        if scope["type"] != "http" or not is_check(scope["headers"]):
            return None
        if self._is_draining():
            return PlainTextResponse("draining", status_code=503)
        return PlainTextResponse("ready") if is_ready_check(scope["headers"]) else None

    def _is_draining(self) -> bool:
        replica = self._binding.find()
        return replica is not None and replica.draining
