"""The innermost ASGI application: Starlette with our routes.

Belongs here: starting and stopping what is mounted together with ours.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from immutant.web.lifespan import Mounted

__all__ = ["serve"]


def serve(routes: list[BaseRoute]) -> ASGIApp:
    """An application with these routes."""
    applications = [route.app for route in routes if isinstance(route, Mount)]
    mounted = [one for one in applications if isinstance(one, Mounted)]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for application in mounted:
                await stack.enter_async_context(application.running())
            yield

    return Starlette(routes=routes, lifespan=lifespan)
