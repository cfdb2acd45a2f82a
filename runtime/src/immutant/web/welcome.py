"""The page that an application without a page of its own shows."""

import html
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from immutant.web.look import page

__all__ = ["welcome"]

_CONTENT = """<h1>{name} is running</h1>
<p>It has no page on <code>/</code> yet. Give it one:</p>
<pre tabindex="0" role="group" aria-label="Python code"><code>@app.get("/")
async def index(request):
    return "Hello"</code></pre>
"""


def welcome(name: str) -> Callable[[Request], Awaitable[Response]]:
    """A handler that names the application."""
    shown = page(name, _CONTENT.format(name=html.escape(name)))

    async def index(_: Request) -> Response:
        return shown

    return index
