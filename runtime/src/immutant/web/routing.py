"""From definitions to routes.

Belongs here: wrapping the user's functions and mounted applications. `Mount` and `Route` match in
the order of definition, handlers before mounts, so that a mount on "/" takes what is left.
"""

import inspect
from collections.abc import Iterator

from a2wsgi import WSGIMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from immutant.calls import Handler
from immutant.definitions import Function, MountDefinition, Registry, RouteDefinition
from immutant.web.lifespan import Mounted
from immutant.web.responses import respond
from immutant.web.welcome import welcome

__all__ = ["routes"]

_ASGI_ARGUMENTS = 3


def routes(app: str, definitions: Registry) -> list[BaseRoute]:
    """The application's routes; a page of ours on "/" when it has none there."""
    return [*_defined(definitions), *_welcome(app, definitions)]


def _defined(definitions: Registry) -> Iterator[BaseRoute]:
    for route in definitions.routes:
        yield _route(route) if route.methods else _websocket(route)
    # The longest path first: a mount on "/" must not hide one on "/admin".
    for mount in sorted(definitions.mounts, key=lambda mount: -len(mount.path)):
        yield _mount(mount)


def _welcome(app: str, definitions: Registry) -> Iterator[BaseRoute]:
    if not any(route.path == "/" and route.methods for route in definitions.routes):
        yield Route("/", welcome(app))


def _route(definition: RouteDefinition) -> Route:
    handler = Handler(definition.function, offered=1)

    async def endpoint(request: Request) -> Response:
        return respond(await handler(request), f"the handler {handler.name}")

    return Route(definition.path, endpoint, methods=list(definition.methods))


def _websocket(definition: RouteDefinition) -> WebSocketRoute:
    handler = Handler(definition.function, offered=1)

    async def endpoint(websocket: WebSocket) -> None:
        await handler(websocket)

    return WebSocketRoute(definition.path, endpoint)


def _mount(definition: MountDefinition) -> Mount:
    return Mount(definition.path, app=_asgi(definition.application))


def _asgi(application: Function) -> ASGIApp:
    """The application itself when it is ASGI, else in a wrapper that speaks WSGI with it."""
    call = application if inspect.isroutine(application) else type(application).__call__
    if inspect.iscoroutinefunction(call) or _takes(application) == _ASGI_ARGUMENTS:
        return Mounted(application)
    return WSGIMiddleware(application)  # type: ignore[return-value]  # a2wsgi types ASGI by itself


def _takes(application: Function) -> int:
    required = inspect.Parameter.empty
    parameters = inspect.signature(application).parameters.values()
    return sum(parameter.default is required for parameter in parameters)
