"""A group of commands that are loaded when they are called.

Belongs here: finding a command by its name in a table, and help by the table alone: so the start of
the program does not grow with the number of commands. Not here: the table (`commands`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

__all__ = ["Entry", "LazyGroup", "Sections"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command.

    Attributes:
        target: MODULE:FUNCTION, or MODULE:TYPER for one with commands of its own.
        help: Its line in the list; the first of its docstring, which a test holds.
    """

    target: str
    help: str

    def load(self) -> Callable[..., object] | typer.Typer:
        """The function, or the group."""
        module, _, name = self.target.partition(":")
        found: Callable[..., object] | typer.Typer = getattr(import_module(module), name)
        return found


Sections = Mapping[str, Mapping[str, Entry]]
"""Commands by name, by the title under which help lists them."""


class LazyGroup(TyperGroup):
    """The group; a subclass has the table."""

    sections: ClassVar[Sections] = {}

    @property
    def _entries(self) -> dict[str, Entry]:
        return {name: entry for part in self.sections.values() for name, entry in part.items()}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - Typer keeps its type to itself
        """All names, in the order of help."""
        return list(self._entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """The command of this name; None: there is none."""
        entry = self._entries.get(cmd_name)
        return None if entry is None else _built(cmd_name, entry)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401
        """Find what is called; a name that is not known is told with those that are like it."""
        known: Any = dict.fromkeys(self._entries)
        self.commands = known  # of which suggestions are made
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401
        """List them under their titles."""
        width = max(map(len, self._entries))
        for title, part in self.sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(width), entry.help) for name, entry in part.items()]
                )


def _built(name: str, entry: Entry) -> Any:  # noqa: ANN401
    found = entry.load()
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(
            add_completion=False,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        alone.command(name)(found)
        found = alone
    built = typer.main.get_command(found)
    built.name = name
    return built
