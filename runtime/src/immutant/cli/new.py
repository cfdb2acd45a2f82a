"""`immutant new`: an app to begin with."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["new"]


def new(
    name: Annotated[str, typer.Argument(help="The app's name, and that of its new folder.")],
) -> None:
    """Make a folder with a small app to begin with."""
    from immutant.remote.naming import check_name
    from immutant.scaffold.folder import FILES, make

    check_name(name)
    make(name, Path(name))
    typer.echo(
        f"{name}/ is there: {', '.join(FILES)}\n\n"
        "Run it on two replicas, and look at http://localhost:8080:\n\n"
        f"    cd {name}\n"
        "    immutant run app.py --replicas 2\n\n"
        "README.md says how it comes into a cluster."
    )
