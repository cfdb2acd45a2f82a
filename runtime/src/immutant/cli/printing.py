"""How commands print.

Belongs here: tables, JSON, YAML, colours. Not here: what is printed.

Colours follow NO_COLOR and FORCE_COLOR; without a terminal there are none. Tables have no frames.
Where nobody looks at a terminal they are never cut, so that `grep` and `awk` find whole words, and
no line ends in blanks.
"""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from immutant.cli.options import Output

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

__all__ = ["Row", "console", "listing", "out", "plain", "rendered", "show", "table"]

Row = Sequence[str]
"""The cells of a line; rich's markup, such as [green]yes[/], is understood."""

_WIDE = 1000
"""Columns where the output is no terminal."""


def console() -> "Console":
    """Standard output, with as much colour as it can bear."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    return Console(highlight=False, soft_wrap=False, width=width)


def out(text: str) -> None:
    """Print lines with rich's markup."""
    console().print(text)


def show(what: "RenderableType") -> None:
    """Print tables and what stands between them."""
    if sys.stdout.isatty():
        console().print(what)
    else:
        sys.stdout.write(rendered(what))


def rendered(what: "RenderableType") -> str:
    """Lines as they are printed, without the blanks by which a table is as wide as its longest."""
    made = console()
    with made.capture() as taken:
        made.print(what)
    return "\n".join(line.rstrip(" ") for line in taken.get().split("\n"))


def plain(text: str) -> str:
    """Text as it is, where markup would be understood."""
    from rich.markup import escape

    return escape(text)


def table(columns: Row, rows: Sequence[Row]) -> "Table":
    """A table without frames."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def listing(
    output: Output,
    records: Any,  # noqa: ANN401 - JSON
    columns: Row,
    rows: Sequence[Row],
) -> None:
    """Print a list as it was asked for.

    Args:
        output: The format.
        records: The list, or what has it, for programs: JSON.
        columns: The table's header.
        rows: The table.
    """
    if output is Output.json:
        sys.stdout.write(json.dumps(records, indent=2, ensure_ascii=False) + "\n")
    elif output is Output.yaml:
        import yaml

        sys.stdout.write(yaml.safe_dump(records, sort_keys=False, allow_unicode=True))
    else:
        show(table(columns, rows))
