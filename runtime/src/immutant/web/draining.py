"""The health check of routers and balancers.

Belongs here: saying that a replica is leaving, before it leaves.
"""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from immutant.health import is_check
from immutant.running import Binding

__all__ = ["DrainCheck"]


class DrainCheck:
    """ASGI middleware: checks get 503 while the replica drains, everything else passes."""

    def __init__(self, app: ASGIApp, binding: Binding) -> None:
        self._app = app
        self._binding = binding

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_draining() and is_check(scope["headers"]):
            response = PlainTextResponse("draining", status_code=503)
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_draining(self) -> bool:
        replica = self._binding.find()
        return replica is not None and replica.draining
