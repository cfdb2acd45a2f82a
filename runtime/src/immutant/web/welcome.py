"""The page that an application without a page of its own shows."""

import html
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse

__all__ = ["welcome"]

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 36rem; }}
</style>
<h1>{name}</h1>
<p>The application runs, and has no page of its own yet. Give it one:</p>
<pre>@app.get("/")
async def index(request):
    return "Hello"</pre>
</html>
"""


def welcome(name: str) -> Callable[[Request], Awaitable[HTMLResponse]]:
    """A handler that names the application."""
    page = _PAGE.format(name=html.escape(name))

    async def index(request: Request) -> HTMLResponse:
        return HTMLResponse(page)

    return index
