"""The view of `immutant status`, once or live; where nobody looks at a terminal, at each change.

Belongs here: composing the page and showing it again and again. Not here: cells (`views`).
"""

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from immutant.cli import printing, views
from immutant.cli.options import Output, Where
from immutant.cli.printing import plain
from immutant.errors import ClusterError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from immutant.remote.apps import App

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
    live = watch and sys.stdout.isatty()
    page = _here(where) if where.is_here else _there(where, ages=live or not watch)
    if live:
        _keep_showing(page)
    elif watch:
        _print_changes(page)
    else:
        printing.show(page())


def _keep_showing(page: Callable[[], "RenderableType"]) -> None:
    from rich.live import Live

    with Live(console=printing.console(), screen=True, auto_refresh=False) as live:
        while True:
            try:
                live.update(page(), refresh=True)
            except ClusterError as error:  # it may be back at the next look
                live.update(f"[red]{plain(str(error))}[/]", refresh=True)
            time.sleep(_PERIOD)


def _print_changes(page: Callable[[], "RenderableType"]) -> None:
    """Print it whenever it has changed, with the time; for files and pipes."""
    last = trouble = ""
    while True:
        try:
            now, trouble = printing.rendered(page()), ""
        except ClusterError as error:  # it may be back at the next look
            now = last
            if str(error) != trouble:
                trouble = str(error)
                sys.stderr.write(f"immutant: {trouble}\n")
        if now != last:
            last = now
            sys.stdout.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}\n{now}\n")
            sys.stdout.flush()
        time.sleep(_PERIOD)


def _here(where: Where) -> Callable[[], "RenderableType"]:
    from immutant.run.client import ask
    from immutant.run.gears import Gear

    def page() -> "RenderableType":
        rows = [views.replica_row(Gear(**one)) for one in ask(where.run, "gears")]
        url = plain(ask(where.run, "url"))
        title = f"[bold]{plain(str(where.run))}[/]  {url}\n"
        return _stacked(title, printing.table(views.REPLICA_COLUMNS, rows))

    return page


def _there(where: Where, *, ages: bool) -> Callable[[], "RenderableType"]:
    """The page of an app in a cluster; with ages, which grow, or with instants."""
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
            *_jobs(app, ages=ages),
            *([f"\n[red]failing: {plain(', '.join(app.failing))}[/]"] if app.failing else []),
        )

    return page


def _jobs(app: "App", *, ages: bool) -> list["RenderableType"]:
    if not app.jobs:
        return []
    told = views.age if ages else views.instant
    rows = [
        (
            plain(one.name),
            told(one.ended) if one.ended else "never",
            plain(one.outcome),
            str(one.running),
        )
        for one in app.jobs
    ]
    return ["", printing.table(("JOB", "ENDED", "OUTCOME", "RUNNING"), rows), *_as_of(app, ages)]


def _as_of(app: "App", ages: bool) -> list[str]:
    """Since when the table of jobs stands; what has run since may be missing in it."""
    if not app.jobs_as_of:
        return []
    ago = f", {views.age(app.jobs_as_of)} ago" if ages else ""
    as_of = f"as of {views.instant(app.jobs_as_of)}{ago}"
    return [f"[dim]{as_of}; it is written anew once a minute at most[/]"]


def _stacked(*parts: "RenderableType") -> "RenderableType":
    from rich.console import Group

    return Group(*parts)


def _dump(where: Where, output: Output) -> None:
    """The status for programs."""
    if where.is_here:
        from immutant.run.client import ask

        found: dict[str, Any] = {"url": ask(where.run, "url"), "gears": ask(where.run, "gears")}
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
        found["jobs_as_of"] = app.jobs_as_of
        found["failing"] = list(app.failing)
    if output is Output.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        import yaml

        sys.stdout.write(yaml.safe_dump(json.loads(json.dumps(found)), sort_keys=False))
