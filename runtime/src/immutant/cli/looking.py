"""The commands that look: apps, status, gears, logs, url, open, doctor.

Belongs here: what is typed and what is printed of an app, here or in a cluster. Not here:
finding it out (`immutant.remote`, `immutant.run`).
"""

import dataclasses
from typing import Annotated

import typer

from immutant.cli.options import (
    DEFAULT_STATE,
    AppArgument,
    AppOption,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
    StateOption,
    Where,
    one_app,
)

__all__ = ["apps", "doctor", "gears", "logs", "open_", "status", "url"]

ClusterAppArgument = Annotated[
    str,
    typer.Argument(metavar="[APP]", help="The app  [default: the only one]", show_default=False),
]


def apps(
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Those of all namespaces.")
    ] = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.table,
) -> None:
    """List the apps."""
    from immutant.cli import printing, views
    from immutant.remote.apps import everywhere as all_apps
    from immutant.remote.apps import of_namespace

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    found = all_apps(kubectl) if everywhere else of_namespace(kubectl)
    rows = [views.app_row(app, everywhere=everywhere) for app in found]
    columns = views.app_columns(everywhere=everywhere)
    printing.listing(output, [views.app_record(app) for app in found], columns, rows)


def gears(
    app: AppArgument = "",
    named: AppOption = "",
    state: StateOption = DEFAULT_STATE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.table,
) -> None:
    """List an app's replicas.

    With what each is about, and the daemons and jobs that it holds.
    """
    from immutant.cli import printing, views

    where = Where(state, one_app(app, named), namespace, context, kubeconfig)
    if where.is_here:
        from immutant.run.client import ask
        from immutant.run.gears import Gear as Replica

        replicas = [Replica(**gear) for gear in ask(state, "gears")]
        records = [dataclasses.asdict(one) for one in replicas]
        rows = [views.replica_row(one) for one in replicas]
        printing.listing(output, records, views.REPLICA_COLUMNS, rows)
        return
    from immutant.remote import gears as listing
    from immutant.remote.apps import only

    kubectl = where.kubectl
    found = listing.gears(kubectl, only(kubectl, where.app))
    records = [dataclasses.asdict(one) for one in found]
    printing.listing(output, records, *views.gear_table(found))


def status(
    app: AppArgument = "",
    named: AppOption = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it live; in a pipe, at each change.")
    ] = False,
    state: StateOption = DEFAULT_STATE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
    output: OutputOption = Output.table,
) -> None:
    """Show how an app is.

    Its replicas, who holds what, its jobs, and what is wrong.
    """
    from immutant.cli import living

    where = Where(state, one_app(app, named), namespace, context, kubeconfig)
    living.show(where, output, watch=watch)


def logs(
    app: ClusterAppArgument = "",
    named: AppOption = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    pod: Annotated[str, typer.Option("--pod", metavar="POD", help="Of one pod alone.")] = "",
    container: Annotated[
        str,
        typer.Option(
            "--container",
            "-c",
            help="app, runtime (the sidecar) or member; source or packages, which come first.",
        ),
    ] = "app",
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="How far back, such as 10m.")
    ] = "",
    tail: Annotated[
        int, typer.Option("--tail", help="Lines of each pod to begin with; -1: all.")
    ] = -1,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Print the log of all pods, merged.

    Each line has its pod before it.
    """
    import sys
    import threading
    from contextlib import closing

    from immutant.remote import logs as reading
    from immutant.remote.apps import only
    from immutant.run.log import Log, wants_colour

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    name = only(kubectl, one_app(app, named)).name
    selection = reading.Selection(pod, container, since, tail)
    screen = sys.stdout.fileno()
    gone = threading.Event()
    with closing(Log(screen, colour=wants_colour(screen), on_broken=gone.set)) as log:
        if follow:
            reading.follow(kubectl, name, selection, log, gone)
        else:
            reading.history(kubectl, name, selection, log, lambda said: typer.echo(said, err=True))


def url(
    app: AppArgument = "",
    named: AppOption = "",
    state: StateOption = DEFAULT_STATE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Print where an app is served."""
    typer.echo(_url(Where(state, one_app(app, named), namespace, context, kubeconfig)))


def open_(
    app: AppArgument = "",
    named: AppOption = "",
    state: StateOption = DEFAULT_STATE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Open an app in the browser."""
    address = _url(Where(state, one_app(app, named), namespace, context, kubeconfig))
    typer.echo(address)
    typer.launch(address)


def doctor(
    app: AppArgument = "",
    named: AppOption = "",
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Say what is wrong, in sentences.

    With the cluster, the operator, and an app or all of the namespace; exit code 1 when
    something is, 2 when no cluster is reached.
    """
    from immutant.cli import printing
    from immutant.remote.doctor import examine

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    code = 0
    for finding in examine(kubectl, one_app(app, named)):
        code = max(code, finding.exit_code)
        sign = "[red]✗[/]" if finding.is_wrong else "[green]✓[/]"
        printing.out(f"{sign} {printing.plain(finding.sentence)}")
    raise typer.Exit(code)


def _url(where: Where) -> str:
    if where.is_here:
        from immutant.run.client import ask

        return str(ask(where.run, "url"))
    from immutant.errors import ClusterError
    from immutant.remote.apps import only

    found = only(where.kubectl, where.app)
    if not found.url:
        raise ClusterError(f"it is not known yet where {found.name} is served; see immutant status")
    return found.url
