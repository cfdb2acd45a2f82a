"""The commands of an app on this machine.

Belongs here: `run`, `serve`, `shutdown`: their options. Not here: what they do, and the commands
that a cluster has too.
"""

from typing import Annotated

import typer

from immutant.cli.options import DEFAULT_STATE, StateOption

__all__ = ["run", "serve", "shutdown"]


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
    repl: Annotated[
        bool, typer.Option("--repl", help="Let `immutant repl` run what is typed there.")
    ] = False,
) -> None:
    """Run an app here, with several replicas.

    They are behind one port, and share the state in a folder.
    """
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
        repl=repl,
    )
    raise typer.Exit(launch(options))


def serve(
    entrypoint: Annotated[str, typer.Argument(help="path/app.py:app or module:app.")],
) -> None:
    """Run one replica; containers start with this."""
    from immutant.serve.__main__ import main as serve_main

    raise typer.Exit(serve_main([entrypoint]))


def shutdown(state: StateOption = DEFAULT_STATE) -> None:
    """Stop `immutant run` and its replicas."""
    from immutant.run.client import ask

    typer.echo(ask(state, "shutdown"))
