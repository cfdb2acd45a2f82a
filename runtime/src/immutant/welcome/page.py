"""What the welcome page says.

Belongs here: HTML, from what is known. No I/O but reading the page's own style and script. Not
here: finding out (`immutant.welcome.application`).
"""

import html
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from starlette.responses import HTMLResponse, Response

from immutant.web.look import page, policy
from immutant.welcome.roster import Pod
from immutant.welcome.site import Site, Step

__all__ = ["Sight", "fragment", "whole"]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pod sees.

    Attributes:
        here: The pod that answers.
        pods: All that have shown themselves.
        served: How many pages were served; None: the shared memory does not answer.
        yours: How many of them in the visitor's session.
    """

    here: str
    pods: tuple[Pod, ...]
    served: int | None = None
    yours: int | None = None


_CONTENT = """<h1>{name} is running</h1>
<p>It has no code of its own yet, and serves this page until you give it some.</p>
<div id="live">
{live}</div>
<p id="news" role="status" class="unseen"></p>
<noscript><p class="muted">Reload the page to see what has changed.</p></noscript>
{steps}"""

_LIVE = """<section aria-labelledby="pods">
<h2 id="pods">{count}</h2>
<ul class="pods">
{pods}
</ul>
{memory}
</section>
"""

_POD = """<li{mark}><span class="name">{name}</span> <span class="muted">{age}</span>{badge}</li>"""

_COUNTS = """<dl class="counts">
<div><dt>Pages served in all, counted in a cache</dt><dd>{served}</dd></div>
<div><dt>Pages served to you, counted in your session</dt><dd>{yours}</dd></div>
</dl>
<p class="muted">{kept}</p>"""

_SILENCE = "<p>What the {word}s share does not answer at the moment; look again in a while.</p>"

_STEP = """<section aria-labelledby="step-{number}">
<h2 id="step-{number}">{title}</h2>
<p>{text}</p>
<div class="command">
<pre tabindex="0" role="group" aria-label="{title}: commands"><code>{commands}</code></pre>
</div>
</section>
"""

_CODE = re.compile("`([^`]+)`")


def whole(site: Site, sight: Sight) -> Response:
    """The page."""
    steps = enumerate(site.steps(len(sight.pods)), 1)
    content = _CONTENT.format(
        name=html.escape(site.name),
        live=_live(site, sight),
        steps="".join(_step(number, step) for number, step in steps),
    )
    return page(site.name, content, style=_file("welcome.css"), script=_file("live.js"))


def fragment(site: Site, sight: Sight) -> Response:
    """That part of the page which changes while one looks at it."""
    return HTMLResponse(_live(site, sight), headers=policy())


def _live(site: Site, sight: Sight) -> str:
    count = len(sight.pods)
    return _LIVE.format(
        count=f"{count} {site.word}" + ("" if count == 1 else "s"),
        pods="\n".join(_pod(pod, is_here=pod.name == sight.here) for pod in sight.pods),
        memory=_memory(site, sight),
    )


def _memory(site: Site, sight: Sight) -> str:
    if sight.served is None:
        return _SILENCE.format(word=site.word)
    kept = html.escape(site.kept(len(sight.pods)))
    return _COUNTS.format(served=sight.served, yours=sight.yours, kept=_coded(kept))


def _pod(pod: Pod, *, is_here: bool) -> str:
    return _POD.format(
        mark=' class="here"' if is_here else "",
        name=html.escape(pod.name),
        age=_age(pod.age),
        badge=' <span class="badge">answered you</span>' if is_here else "",
    )


def _age(seconds: float) -> str:
    """In few words, so that the page seldom changes."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if count := int(seconds // length):
            return f"up for {count} {unit}" + ("" if count == 1 else "s")
    return "just started"


def _step(number: int, step: Step) -> str:
    return _STEP.format(
        number=number,
        title=html.escape(step.title),
        text=_coded(html.escape(step.text)),
        commands="\n".join(map(_command, step.commands)),
    )


def _command(command: str) -> str:
    """Word by word: a narrow page may begin a line with one, but not in the midst of one."""
    return " ".join(f"<span>{html.escape(word)}</span>" for word in command.split())


def _coded(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", text)


@cache
def _file(name: str) -> str:
    return resources.files("immutant.welcome").joinpath(name).read_text()
