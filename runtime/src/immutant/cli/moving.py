"""The commands that change how many replicas there are, and which of them take part.

Belongs here: `scale`, `stop`, `start`, `ssh`: what is typed. Not here: doing it.
"""

from typing import Annotated

import typer

from immutant.cli.options import (
    DEFAULT_STATE,
    AppOption,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    StateOption,
    Where,
    one_app,
)

__all__ = ["scale", "ssh", "start", "stop"]

ReplicaArgument = Annotated[str, typer.Argument(help="The replica, as `immutant gears` names it.")]


def scale(
    what: Annotated[
        list[str], typer.Argument(metavar="[APP] REPLICAS", help="How many from now on.")
    ],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="In a cluster: down to 0 without being asked.")
    ] = False,
    app: AppOption = "",
    state: StateOption = DEFAULT_STATE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Add replicas, or drain and remove some.

    Those with the highest numbers go, and with the last one all that is in memory.
    """
    *named, last = what
    if len(named) > 1 or not last.isdigit():
        raise typer.BadParameter("write a number, or an app and a number: scale demo 3")
    chosen = one_app(named[0] if named else "", app)
    where = Where(state, chosen, namespace, context, kubeconfig)
    if where.is_here:
        from immutant.run.client import ask

        if not 1 <= int(last) <= 64:
            raise typer.BadParameter("on this machine there are 1 to 64 replicas")
        typer.echo(ask(where.run, "scale", replicas=int(last)))
        return
    from immutant.remote.apps import only

    kubectl = where.kubectl
    found = only(kubectl, where.app)
    if int(last) == 0 and found.replicas and not yes:
        typer.echo(
            f"With the last pod of {found.name} go its caches, sessions, queues and the messages "
            "in them. None of it can be had back."
        )
        typer.confirm(f"Scale {found.name} to 0?", abort=True)
    kubectl.run("scale", f"immutantapp/{found.name}", f"--replicas={last}")
    see = f"immutant status {found.name} --watch"
    typer.echo(f"{found.name}: {last} replicas, formerly {found.replicas}; see {see}")


def stop(
    name: ReplicaArgument,
    force: Annotated[
        bool,
        typer.Option("--force", help="In a cluster: the last one too, with all that is in memory."),
    ] = False,
    app: AppOption = "",
    state: StateOption = DEFAULT_STATE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Stop one replica; its pod stays.

    It finishes what it has begun, and the others take over what it holds.
    """
    where = Where(state, app, namespace, context, kubeconfig)
    if where.is_here:
        from immutant.run.client import ask

        typer.echo(ask(where.run, "stop", name=name))
        return
    from immutant.remote import stopping

    typer.echo(stopping.stop(where.kubectl, name, app, force=force))


def start(
    name: ReplicaArgument,
    app: AppOption = "",
    state: StateOption = DEFAULT_STATE,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Start a replica that was stopped."""
    where = Where(state, app, namespace, context, kubeconfig)
    if where.is_here:
        from immutant.run.client import ask

        typer.echo(ask(where.run, "start", name=name))
        return
    from immutant.remote import stopping

    typer.echo(stopping.start(where.kubectl, name, app))


def ssh(
    pod: Annotated[str, typer.Argument(help="The pod, as `immutant gears` names it.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]…", help="What to run  [default: sh]")
    ] = None,
    container: Annotated[
        str, typer.Option("--container", "-c", help="app, runtime (the sidecar) or member.")
    ] = "app",
    app: AppOption = "",
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Open a shell in a pod, or run a command there."""
    import sys

    from immutant.remote.pods import app_of, check_container, found

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    there = found(kubectl, pod)
    if app:
        app_of(there, app)
    check_container(container, [there])
    terminal = "-it" if sys.stdin.isatty() and sys.stdout.isatty() else "-i"
    kubectl.become("exec", terminal, pod, "-c", container, "--", *(command or ["sh"]))
