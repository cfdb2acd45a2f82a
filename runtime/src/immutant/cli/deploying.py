"""The commands that bring versions of an app to a cluster.

Belongs here: what is typed and what is printed. Not here: what they do (`immutant.remote`), which
is imported when a command is called.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from immutant.cli import printing
from immutant.cli.options import (
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
    Where,
)

if TYPE_CHECKING:
    from immutant.remote.apps import App
    from immutant.remote.archive import Revision
    from immutant.remote.kubectl import Kubectl

__all__ = ["create", "delete", "deploy", "history", "restart", "rollback"]

NameArgument = Annotated[str, typer.Argument(metavar="APP", help="The app's name.")]
WaitOption = Annotated[bool, typer.Option(help="Wait until all pods run it.")]


def create(
    name: NameArgument,
    image: Annotated[str, typer.Option(help="An image with the code in it.")] = "",
    replicas: Annotated[
        int | None,
        typer.Option(
            min=0, max=1000, help="How many pods  [default: as the file says; 2 without a file]"
        ),
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(help="A host name; again for each further one.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            "-f",
            help="An ImmutantApp in YAML  [default: app.yaml of this folder, if it is of this app]",
            dir_okay=False,
        ),
    ] = None,
    wait: WaitOption = True,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Make an app in the cluster.

    It shows a welcome page until something is deployed.
    """
    from dataclasses import replace

    from immutant.remote import beginning
    from immutant.remote.creation import APP_FILE, Wishes, written_in
    from immutant.remote.creation import create as make

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    described = file or written_in(Path(), name)
    app = make(kubectl, name, Wishes(image, replicas, host or (), described))
    by = f", as {described} has it" if described else ""
    typer.echo(f"Made {name} in namespace {app.namespace}{by}")
    if not described and (other := Path(APP_FILE)).exists():
        typer.echo(f"Note: {other} here is not of {name}, and was not used")
    _wait(replace(kubectl, namespace=app.namespace), app, wait)
    if not app.image and not app.source:
        typer.echo("Deploy your own, in its git repository:")
        for line in beginning.commands(kubectl, app, Path()):
            typer.echo(f"    {line}")
        if said := beginning.note(app, Path()):
            typer.echo(f"Note: {said}")


def deploy(
    name: NameArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Its code.")] = Path(),
    wait: WaitOption = True,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Deploy a folder, without git."""
    from immutant.remote import deployment, uncommitted
    from immutant.remote.apps import read

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    app = read(kubectl, name)
    after = deployment.deploy(kubectl, app, uncommitted.package(folder), typer.echo)
    if after is None:
        _resume(kubectl, app, wait)
    else:
        _wait(kubectl, after, wait)


def history(
    name: NameArgument,
    output: OutputOption = Output.table,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """List the versions that were deployed.

    The newest comes first; the one that the app has now has a star. STATE says what became of each.
    """
    from immutant.remote import archive
    from immutant.remote.apps import read

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    app = read(kubectl, name)
    found = [_record(one, app) for one in archive.history(kubectl, app) if one.is_whole]
    if not found and output is Output.table:
        typer.echo(f"Nothing has been deployed to {name} by git push or immutant deploy.")
        return
    columns = ("", "REVISION", "STATE", "PUSHED", "AUTHOR", "MESSAGE")
    printing.listing(output, found, columns, [_row(one) for one in found])


def _record(revision: "Revision", app: "App") -> dict[str, Any]:
    from immutant.remote.returning import state

    return {
        "revision": revision.origin.revision,
        "current": app.archive is not None and app.archive.sha256 == revision.archive.sha256,
        "state": state(app, revision.archive.sha256),
        "pushed": revision.pushed,
        "author": revision.origin.author,
        "message": revision.origin.message,
        "sha256": revision.archive.sha256,
        "parts": list(revision.archive.config_maps),
    }


def rollback(
    name: NameArgument,
    revision: Annotated[
        str,
        typer.Argument(
            help="As history lists it, or how that begins.  [default: what served last]"
        ),
    ] = "",
    wait: WaitOption = True,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Go back to a version that was deployed before.

    To the one that served last before the one that the app has now, unless another is named. It is
    a rollout like any other.
    """
    from immutant.remote import deployment
    from immutant.remote.apps import read
    from immutant.remote.returning import named, state

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    app = read(kubectl, name)
    goal, why = _goal(kubectl, app, revision)
    if app.archive is not None and goal.archive.sha256 == app.archive.sha256:
        _resume(kubectl, app, wait)
        return
    after = deployment.point(kubectl, app, goal.archive)
    typer.echo(f"Going back to {named(goal)}{why}")
    if state(app, goal.archive.sha256) == "failed":
        _warn("Note: it failed when it was deployed before")
    if app.archive is not None:
        typer.echo(_way_forward(app, goal))
    _wait(kubectl, after, wait)


def _goal(kubectl: "Kubectl", app: "App", wanted: str) -> tuple["Revision", str]:
    """The version to go back to, and why that one; "": it was named."""
    from immutant.remote import archive, returning

    revisions = archive.history(kubectl, app)
    if wanted:
        return returning.chosen(revisions, app, wanted), ""
    goal = returning.former(revisions, app)
    return goal.revision, _SERVED if goal.has_served else _UNCERTAIN


_SERVED: Final = ", which served last"
_UNCERTAIN: Final = ", which was deployed before; whether it served is not known"


def _way_forward(app: "App", goal: "Revision") -> str:
    """How to go on from there; what has failed is no way."""
    from immutant.remote.returning import short, state

    assert app.archive is not None
    again = f", or immutant rollback {app.name} {short(app.archive.revision)}"
    if state(app, app.archive.sha256) == "failed":
        again = ""
    if not goal.archive.is_commit:
        return f"Forward again: deploy or push as before{again}"
    former = short(goal.origin.revision)
    return f"Forward again: git push of a commit that comes after {former}{again}"


def restart(
    name: NameArgument,
    wait: WaitOption = True,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Replace all pods, one after the other."""
    from immutant.remote import deployment

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    _wait(kubectl, deployment.restart(kubectl, name), wait)


def delete(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    namespace: NamespaceOption = "",
    context: ContextOption = "",
    kubeconfig: KubeconfigOption = "",
) -> None:
    """Remove an app, its data and all of its versions."""
    from immutant.contract import names
    from immutant.remote.apps import read

    kubectl = Where(namespace=namespace, context=context, kubeconfig=kubeconfig).kubectl
    app = read(kubectl, name, "`immutant apps -A` lists the apps of all namespaces")
    if not yes:
        typer.echo(_loss(app))
        typer.confirm(f"Remove {name}?", abort=True)
    kubectl.run("delete", names.PLURAL, name)
    typer.echo(f"Removed {name}; its pods are ending")


def _loss(app: "App") -> str:
    from immutant.remote.amounts import counted

    pods = counted(len(app.pods), "pod")
    return (
        f"{app.name} in namespace {app.namespace} has {pods}. With them go its "
        "caches, sessions, queues and the messages in them,\nthe state of its jobs, all versions "
        "that were deployed, and its address. None of it can be had back."
    )


def _wait(kubectl: "Kubectl", app: "App", wanted: bool) -> None:
    """Wait for a rollout, if that is wanted."""
    from immutant.remote import watching

    if wanted:
        with _exits():
            watching.wait(kubectl, app, typer.echo, _warn)


def _resume(kubectl: "Kubectl", app: "App", wanted: bool) -> None:
    """Tell that what is wanted is there already, and wait for what of its rollout is left."""
    from immutant.remote import watching

    with _exits():
        watching.resume(kubectl, app, typer.echo, _warn, waits=wanted)


@contextmanager
def _exits() -> Iterator[None]:
    """Exit codes for the end of a wait.

    Raises:
        typer.Exit: The rollout failed, which was told, or the user waits no longer.
    """
    from immutant.errors import RolloutFailedError

    try:
        yield
    except RolloutFailedError as error:
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error


def _warn(line: str) -> None:
    typer.echo(line, err=True)


def _row(record: dict[str, Any]) -> list[str]:
    from immutant.remote.returning import short

    author = record["author"].partition(" <")[0]
    revision, state = short(record["revision"]), record["state"]
    cells = revision, state, record["pushed"], author, record["message"]
    return ["*" if record["current"] else "", *map(printing.plain, cells)]
