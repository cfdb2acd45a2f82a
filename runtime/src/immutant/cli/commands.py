"""The commands, put together.

Belongs here: which commands there are, in which order help lists them, and what all have in common.
Not here: any command; each module of them imports what it needs when it is called.
"""

from typing import Annotated

import typer

from immutant.cli import laptop, looking, moving

__all__ = ["commands"]


commands = typer.Typer(
    name="immutant",
    help="Cluster a Python service: on this machine, or on Kubernetes. A command that both worlds "
    "have acts on the `immutant run` of this folder when one runs, else on the cluster of your "
    "kubeconfig; an application's name, --namespace, --context or --kubeconfig mean the cluster.",
    epilog="Exit codes: 0 done; 1 it failed; 2 wrong usage, or no `immutant run` to talk to; "
    "78 a configuration that cannot work; 130 killed by a second Ctrl-C. "
    "NO_COLOR=1 turns colours off.",
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


commands.command()(laptop.run)
commands.command()(laptop.shutdown)
commands.command()(laptop.serve)

commands.command()(looking.gears)
commands.command()(looking.status)
commands.command()(moving.scale)
commands.command()(moving.stop)
commands.command()(moving.start)
commands.command()(looking.url)
commands.command("open")(looking.open_)

commands.command()(looking.apps)
commands.command()(looking.logs)
commands.command()(moving.ssh)
commands.command()(looking.doctor)
