"""The commands and their options.

Belongs here: what is typed and what is printed. Not here: top-level imports of anything but Typer
and the errors.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from immutant.cli import deploying

__all__ = ["commands"]

commands = typer.Typer(
    name="immutant",
    help="Cluster a Python service: on this machine, with several replicas behind one port.",
    epilog="Exit codes: 0 done; 1 it failed; 2 wrong usage, or no `immutant run` to talk to; "
    "78 a configuration that cannot work; 130 killed by a second Ctrl-C.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StateOption = Annotated[
    Path, typer.Option("--state", metavar="DIR", help="Folder of the shared state.")
]
DEFAULT_STATE = Path(".immutant")


class Output(StrEnum):
    """How a listing is printed."""

    table = "table"
    json = "json"


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


@commands.command()
def run(
    target: Annotated[
        str,
        typer.Argument(help="app.py, path/app.py:app or module:app."),
    ] = "app.py:app",
    replicas: Annotated[int, typer.Option(min=1, max=64, help="How many replicas.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Web port; 0: any free one.")] = 8080,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    state: StateOption = DEFAULT_STATE,
    name: Annotated[
        str, typer.Option(help="The replicas are NAME-0, NAME-1, …  [default: the app's folder]")
    ] = "",
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Stop after this many seconds.")
    ] = None,
    reload: Annotated[bool, typer.Option(help="Reload when a source file changes.")] = True,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds for a replica to finish when it is stopped.")
    ] = 10.0,
) -> None:
    """Run an application on this machine, several replicas behind one port."""
    from immutant.run.launcher import launch
    from immutant.run.options import Options
    from immutant.targets import Target

    options = Options(
        target=Target.parse(target),
        replicas=replicas,
        host=host,
        port=port,
        state=state,
        name=name,
        seconds=seconds,
        reload=reload,
        grace=grace,
    )
    raise typer.Exit(launch(options))


@commands.command()
def serve(
    entrypoint: Annotated[str, typer.Argument(help="path/app.py:app or module:app.")],
) -> None:
    """Run one replica's application beside its coordinator; containers start with this."""
    from immutant.serve.__main__ import main as serve_main

    raise typer.Exit(serve_main([entrypoint]))


@commands.command()
def gears(
    state: StateOption = DEFAULT_STATE,
    output: Annotated[Output, typer.Option("--output", "-o", help="Format.")] = Output.table,
) -> None:
    """List the replicas that `immutant run` keeps running."""
    from immutant.run.gears import Gear, as_json, as_table

    listed = [Gear(**gear) for gear in _ask(state, "gears")]
    typer.echo(as_json(listed) if output is Output.json else as_table(listed))


@commands.command()
def stop(
    name: Annotated[str, typer.Argument(help="The replica, as `immutant gears` names it.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Stop one replica gracefully; the others take over what it holds."""
    typer.echo(_ask(state, "stop", name=name))


@commands.command()
def start(
    name: Annotated[str, typer.Argument(help="The replica, as `immutant gears` names it.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Start a replica that was stopped."""
    typer.echo(_ask(state, "start", name=name))


@commands.command()
def scale(
    replicas: Annotated[int, typer.Argument(min=1, max=64, help="How many from now on.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Add replicas, or stop and remove those with the highest numbers."""
    typer.echo(_ask(state, "scale", replicas=replicas))


@commands.command()
def shutdown(state: StateOption = DEFAULT_STATE) -> None:
    """Stop all replicas gracefully, and `immutant run` with them."""
    typer.echo(_ask(state, "shutdown"))


deploying.register(commands)


def _ask(state: Path, verb: str, **arguments: str | int) -> Any:  # noqa: ANN401 - as the verb says
    from immutant.run.client import ask

    return ask(state, verb, **arguments)
