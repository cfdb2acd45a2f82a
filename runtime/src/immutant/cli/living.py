"""The view of `immutant status`, once or live.

Belongs here: composing the page and showing it again and again. Not here: cells (`views`).
"""

import dataclasses
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from immutant.cli import printing, views
from immutant.cli.options import Output, Where
from immutant.cli.printing import plain
from immutant.errors import ClusterError

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["show"]

_PERIOD: Final = 1.0
"""Seconds from one look to the next."""

_CONDITIONS: Final = {
    "Ready": "True",
    "Progressing": "False",
    "Degraded": "False",
    "GridSafe": "True",
    "DataAtRisk": "False",
}
"""What they should say; in this order."""


def show(where: Where, output: Output, *, watch: bool) -> None:
    """Print the status of the app that was named, or go on showing it."""
    if output is not Output.table:
        _dump(where, output)
        return
    page = _here(where) if where.is_here else _there(where)
    if not watch:
        printing.console().print(page())
        return
    from rich.live import Live

    with Live(console=printing.console(), screen=True, auto_refresh=False) as live:
        while True:
            try:
                live.update(page(), refresh=True)
            except ClusterError as error:  # it may be back at the next look
                live.update(f"[red]{plain(str(error))}[/]", refresh=True)
            time.sleep(_PERIOD)


def _here(where: Where) -> Callable[[], "RenderableType"]:
    from immutant.run.client import ask
    from immutant.run.gears import Gear

    def page() -> "RenderableType":
        rows = [views.replica_row(Gear(**one)) for one in ask(where.state, "gears")]
        url = plain(ask(where.state, "url"))
        title = f"[bold]{plain(str(where.state))}[/]  {url}\n"
        return _stacked(title, printing.table(views.REPLICA_COLUMNS, rows))

    return page


def _there(where: Where) -> Callable[[], "RenderableType"]:
    from immutant.remote.apps import only
    from immutant.remote.gears import gears

    kubectl = where.kubectl
    name = only(kubectl, where.app).name

    def page() -> "RenderableType":
        app = only(kubectl, name)
        title = f"[bold]{app.name}[/] in {app.namespace}  {app.ready}  {plain(app.url)}"
        source = f"{app.kind} {app.running}".rstrip()
        about = f"[dim]source {plain(source)}, Immutant {plain(app.runtime or 'not known')}[/]"
        conditions = [
            views.condition_row(kind, app.conditions[kind], good=good)
            for kind, good in _CONDITIONS.items()
            if kind in app.conditions
        ]
        return _stacked(
            f"{title}\n{about}\n",
            printing.table(*views.gear_table(gears(kubectl, app))),
            "",
            printing.table(("CONDITION", "STATUS", "REASON", "MESSAGE"), conditions),
            *_jobs(app.jobs),
            *([f"\n[red]failing: {plain(', '.join(app.failing))}[/]"] if app.failing else []),
        )

    return page


def _jobs(jobs: Any) -> list["RenderableType"]:  # noqa: ANN401 - records of immutant.remote
    if not jobs:
        return []
    rows = [
        (
            plain(one.name),
            views.age(one.ended) if one.ended else "never",
            plain(one.outcome),
            str(one.running),
        )
        for one in jobs
    ]
    return ["", printing.table(("JOB", "ENDED", "OUTCOME", "RUNNING"), rows)]


def _stacked(*parts: "RenderableType") -> "RenderableType":
    from rich.console import Group

    return Group(*parts)


def _dump(where: Where, output: Output) -> None:
    """The status for programs."""
    import sys

    if where.is_here:
        from immutant.run.client import ask

        found: dict[str, Any] = {"url": ask(where.state, "url"), "gears": ask(where.state, "gears")}
    else:
        from immutant.remote.apps import only
        from immutant.remote.gears import gears

        app = only(where.kubectl, where.app)
        found = dict(views.app_record(app))
        found["conditions"] = [
            {"type": kind, **dataclasses.asdict(one)} for kind, one in app.conditions.items()
        ]
        found["gears"] = [dataclasses.asdict(one) for one in gears(where.kubectl, app)]
        found["jobs"] = [dataclasses.asdict(one) for one in app.jobs]
        found["failing"] = list(app.failing)
    if output is Output.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        import yaml

        sys.stdout.write(yaml.safe_dump(json.loads(json.dumps(found)), sort_keys=False))
