"""The commands of `immutant` as a page, from the command line itself.

Belongs here: reading Typer's commands into Markdown. Not here: their texts (`immutant.cli`).
"""

from typer import Context
from typer.cli import get_docs_for_click
from typer.main import get_command

from immutant.cli.commands import commands

__all__ = ["page"]

_NAME = "immutant"


def page() -> str:
    """Every command with its arguments and options."""
    command = get_command(commands)
    return "\n" + get_docs_for_click(obj=command, ctx=Context(command), name=_NAME, indent=1)
