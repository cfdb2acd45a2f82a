"""The commands, in a table.

Belongs here: which commands there are, where each is, how help lists them, and what all have in
common. Not here: any command.
"""

from typing import Annotated, Final

import typer

from immutant.cli.lazy import Entry, LazyGroup, Sections

__all__ = ["SECTIONS", "commands"]

SECTIONS: Final[Sections] = {
    "On this machine": {
        "new": Entry("immutant.cli.new:new", "Make a folder with a small app to begin with."),
        "run": Entry("immutant.cli.laptop:run", "Run an app here, with several replicas."),
        "shutdown": Entry("immutant.cli.laptop:shutdown", "Stop `immutant run` and its replicas."),
        "serve": Entry("immutant.cli.laptop:serve", "Run one replica; containers start with this."),
    },
    "On this machine or in a cluster": {
        "gears": Entry("immutant.cli.looking:gears", "List an app's replicas."),
        "status": Entry("immutant.cli.looking:status", "Show how an app is."),
        "scale": Entry("immutant.cli.moving:scale", "Add replicas, or drain and remove some."),
        "stop": Entry("immutant.cli.moving:stop", "Stop one replica; its pod stays."),
        "start": Entry("immutant.cli.moving:start", "Start a replica that was stopped."),
        "queues": Entry("immutant.cli.asking:queues", "List an app's queues."),
        "dead": Entry(
            "immutant.cli.asking:dead", "List dead letters; send them again, or forget them."
        ),
        "jobs": Entry("immutant.cli.asking:jobs", "List jobs, and command them."),
        "cache": Entry("immutant.cli.asking:cache", "Look into caches, and change entries."),
        "threaddump": Entry(
            "immutant.cli.asking:threaddump", "Print where every thread and task is."
        ),
        "repl": Entry("immutant.cli.asking:repl", "Hold a Python prompt in a running app."),
        "url": Entry("immutant.cli.looking:url", "Print where an app is served."),
        "open": Entry("immutant.cli.looking:open_", "Open an app in the browser."),
    },
    "In a cluster": {
        "create": Entry("immutant.cli.deploying:create", "Make an app in the cluster."),
        "deploy": Entry("immutant.cli.deploying:deploy", "Deploy a folder, without git."),
        "history": Entry("immutant.cli.deploying:history", "List the versions that were deployed."),
        "rollback": Entry(
            "immutant.cli.deploying:rollback", "Go back to a version that was deployed before."
        ),
        "restart": Entry(
            "immutant.cli.deploying:restart", "Replace all pods, one after the other."
        ),
        "delete": Entry(
            "immutant.cli.deploying:delete", "Remove an app, its data and all of its versions."
        ),
        "apps": Entry("immutant.cli.looking:apps", "List the apps."),
        "logs": Entry("immutant.cli.looking:logs", "Print the log of all pods, merged."),
        "ssh": Entry("immutant.cli.moving:ssh", "Open a shell in a pod, or run a command there."),
        "doctor": Entry("immutant.cli.looking:doctor", "Say what is wrong, in sentences."),
    },
}


class _Commands(LazyGroup):
    sections = SECTIONS


commands = typer.Typer(
    name="immutant",
    cls=_Commands,
    help="Cluster a Python service: on this machine, or on Kubernetes. What works in both acts on "
    "the `immutant run` of this folder when one runs, else on the cluster of your kubeconfig; an "
    "app's name, --namespace, --context or --kubeconfig mean the cluster.",
    epilog="Exit codes: 0 done; 1 it failed; 2 wrong usage, or nothing to talk to: neither an "
    "`immutant run` nor a cluster; 78 a configuration that cannot work; 130 killed by a second "
    "Ctrl-C. NO_COLOR=1 turns colours off.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from immutant._version import __version__

        typer.echo(f"immutant {__version__}")
        raise typer.Exit


@commands.callback()
def _immutant(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    pass
