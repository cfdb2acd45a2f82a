"""The welcome application: a page that shows the cluster at work.

Belongs here: what it keeps and which requests it answers. Not here: what the page says (`page`).
"""

import logging
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from immutant.app import App
from immutant.errors import SessionEndedError, StoreError
from immutant.health import is_check
from immutant.services.cache import Cache
from immutant.services.session import Session
from immutant.values import Value
from immutant.welcome.page import Sight, fragment, whole
from immutant.welcome.roster import Pod, Roster
from immutant.welcome.site import Site

__all__ = ["create"]

_COUNT: Final = "immutant.welcome.pages"
"""A name that the code which takes this one's place, and finds the same store, will not use."""

_log = logging.getLogger("immutant.welcome")


def create(name: str, namespace: str = "") -> App:
    """The application.

    Args:
        name: What the page calls it, and the commands on the page.
        namespace: Where it is in a cluster; "" under `immutant run`.
    """
    app = App(name)
    welcome = _Welcome(Site(name, namespace), Roster(app), app.cache("immutant.welcome.counts"))
    app.get("/")(welcome.page)
    app.get("/live")(welcome.live)
    app.get("/pods")(welcome.pods)
    return app


class _Welcome:
    """What answers its requests.

    A page is for people who want to know what is wrong, too: it comes while the store is silent.
    """

    def __init__(self, site: Site, roster: Roster, counts: Cache) -> None:
        self._site = site
        self._roster = roster
        self._counts = counts

    async def page(self, request: Request) -> Response:
        """Count the page, and show it; checks are no pages."""
        if is_check(request.headers.raw):
            return PlainTextResponse("ready")
        is_counted = request.method == "GET"
        return whole(self._site, await self._look(request, is_counted=is_counted))

    async def live(self, request: Request) -> Response:
        """Show the page's part that changes."""
        return fragment(self._site, await self._look(request, is_counted=False))

    async def pods(self, _: Request) -> dict[str, Value]:
        """List the pods, for programs."""
        pods = [{"name": pod.name, "age": round(pod.age, 1)} for pod in await self._roster.pods()]
        return {"app": self._site.name, "answered": self._roster.here, "pods": pods}

    async def _look(self, request: Request, *, is_counted: bool) -> Sight:
        here = self._roster.here
        try:
            pods = await self._roster.pods()
            served, yours = await self._counted(Session.of(request), int(is_counted))
        except (StoreError, SessionEndedError) as error:
            _log.warning("the welcome page is shown without its numbers: %s", error)
            return Sight(here, (Pod(here, 0.0),))
        if here not in {pod.name for pod in pods}:
            pods = (*pods, Pod(here, 0.0))  # it begins, and has not shown itself yet
        return Sight(here, pods, served, yours)

    async def _counted(self, session: Session, more: int) -> tuple[int, int]:
        """The numbers of pages, with so many more, of all and of the session."""
        if not more:
            served = await self._counts.get(_COUNT, 0)
            return int(served), int(session.get(_COUNT, 0))
        served = await self._counts.increment(_COUNT, more)
        yours = await session.update(_COUNT, lambda seen: (seen or 0) + more)
        return int(served), int(yours)
