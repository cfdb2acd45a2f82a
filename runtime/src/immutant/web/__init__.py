"""The web side of an application, on Starlette.

Belongs here: turning routes, mounts and options into one ASGI application. Loaded with the first
request only, so that importing `immutant` stays light.
"""

from starlette.types import ASGIApp

from immutant.durations import seconds
from immutant.services.session_store import SessionStore
from immutant.web.draining import DrainCheck
from immutant.web.measuring import Measured
from immutant.web.routing import routes
from immutant.web.serving import serve
from immutant.web.sessions import SessionMiddleware
from immutant.webside import WebSide

__all__ = ["SessionMiddleware", "build"]


def build(app: WebSide) -> ASGIApp:
    """The application's ASGI side, from what it defines now."""
    inner = serve(routes(app.name, app.definitions))
    if app.sessions is not None:
        store = SessionStore(app.binding, seconds(app.sessions.idle))
        inner = SessionMiddleware(inner, store, app.sessions)
    return Measured(DrainCheck(inner, app.binding), app.binding)
