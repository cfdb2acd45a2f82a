"""The look of the pages that are ours, and the policy that they are sent with.

Belongs here: the frame around a page's content, and its style. Everything is in the page itself,
and a browser is told to load and run nothing else. Not here: what a page says.
"""

import base64
import hashlib
import html
from functools import cache
from importlib import resources
from urllib.parse import quote

from starlette.responses import HTMLResponse

from immutant._version import __version__

__all__ = ["page", "policy"]

_MARK = (
    '<svg {about}viewBox="0 0 32 32" fill="none" stroke="{colour}" stroke-width="2.4" '
    'stroke-linejoin="round"><path d="M16 2.6 27.6 9.3v13.4L16 29.4 4.4 22.7V9.3Z"/>'
    '<path d="M16 10.2v5.8l-5 2.9m5-2.9 5 2.9" stroke-linecap="round"/>'
    '<g fill="{colour}" stroke="none"><circle cx="16" cy="9.6" r="2.7"/>'
    '<circle cx="10.4" cy="19.2" r="2.7"/><circle cx="21.6" cy="19.2" r="2.7"/></g></svg>'
)
"""Three that are joined, in one whole."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:image/svg+xml,{icon}">
<style>{style}</style>
</head>
<body>
<header>{mark}<p>Immutant for Kubernetes</p></header>
<main>
{content}
</main>
<footer><p>Immutant {version}</p></footer>
{script}</body>
</html>
"""


def page(title: str, content: str, *, style: str = "", script: str = "") -> HTMLResponse:
    """A page of ours.

    Args:
        title: Text.
        content: The HTML of its main part.
        style: CSS beside that of all pages.
        script: JavaScript that the page can do without.
    """
    style = _style() + style
    text = _PAGE.format(
        title=html.escape(title),
        icon=quote(_MARK.format(about='xmlns="http://www.w3.org/2000/svg" ', colour="#5b6ae0")),
        style=style,
        mark=_MARK.format(about='class="mark" aria-hidden="true" ', colour="currentColor"),
        content=content,
        version=__version__,
        script=f'<script type="module">{script}</script>\n' if script else "",
    )
    return HTMLResponse(text, headers=policy(style, script))


def policy(style: str = "", script: str = "") -> dict[str, str]:
    """The headers that let a browser use this style and this script, and nothing else."""
    rules = {
        "default-src": "'none'",
        "style-src": _hash(style),
        "script-src": _hash(script),
        "connect-src": "'self'" if script else "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "content-security-policy": "; ".join(f"{rule} {what}" for rule, what in rules.items()),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


@cache
def _style() -> str:
    return resources.files("immutant.web").joinpath("look.css").read_text()


def _hash(text: str) -> str:
    if not text:
        return "'none'"
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
