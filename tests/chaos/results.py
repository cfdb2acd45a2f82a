"""What trials gave: a table to be printed, and kept in a file of which docs/benchmarks.md is made.

Belongs here: rows, their words and the file. Not here: measuring. `tools/benchmarks.py` reads it.
"""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.chaos.judge import JUDGED, Verdict

__all__ = ["Row", "Table", "faults_table", "report", "seconds"]

FOLDER = Path(__file__).parents[2] / "build" / "benchmarks"


@dataclass
class Row:
    """All trials of one kind.

    Attributes:
        trials: How many were played.
        verdict: What was wrong with them.
        takeovers: Seconds, one for each tenure that moved.
    """

    trials: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    takeovers: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        counts = (str(self.trials), str(len(self.takeovers)))
        return [*counts, *self.verdict.cells(), *seconds(self.takeovers)]


def seconds(measured: Sequence[float]) -> list[str]:
    """The least, the median and the greatest, as cells of a table."""
    if not measured:
        return ["-"] * 3
    return [f"{one:.2f}" for one in (min(measured), statistics.median(measured), max(measured))]


@dataclass(frozen=True)
class Table:
    """A table as it is printed and kept.

    Attributes:
        name: Of the file, and of the place in docs/benchmarks.md.
        head: Of the columns.
        rows: Cells.
        how: The command that repeats it.
    """

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    how: str

    def lines(self) -> list[str]:
        """The table for a terminal."""
        cells = [list(self.head), *map(list, self.rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.head))]
        return [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]

    def keep(self) -> None:
        """Write it where `tools/benchmarks.py` finds it."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        kept = {
            "head": list(self.head),
            "rows": [list(row) for row in self.rows],
            "how": self.how,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} processors, Python {platform.python_version()}",
        }
        (FOLDER / f"{self.name}.json").write_text(json.dumps(kept, indent=1))


def report(terminal: pytest.TerminalReporter, tables: Mapping[str, Table], *, keep: bool) -> None:
    """Print tables at the end of a run, and keep them in files."""
    for table in tables.values():
        if keep:
            table.keep()
        terminal.section(table.name)
        for line in table.lines():
            terminal.write_line(line)


def faults_table(rows: Mapping[str, Row], how: str) -> Table:
    """The table of all kinds of faults, and their sums."""
    counted = ("trials", "moved", *JUDGED)
    head = ("fault", *counted, "min", "median", "max")
    cells = [[kind, *row.cells()] for kind, row in rows.items()]
    counts = [sum(int(row[1 + column]) for row in cells) for column in range(len(counted))]
    return Table("faults", head, [*cells, ["all", *map(str, counts), *seconds([])]], how)
