"""Puts the tables that the long forms kept (`build/benchmarks`) into docs/benchmarks.md.

A table stands there between two comments with its name; what is between them is made here. Tables
that were not measured again stay as they are.

Usage: tools/benchmarks.py
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "build" / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Write the page anew; the exit status."""
    page = PAGE.read_text()
    for file in sorted(KEPT.glob("*.json")):
        place = re.compile(rf"(<!-- {file.stem} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not place.search(page):
            print(f"{PAGE.name} has no place for {file.stem}; write <!-- {file.stem} --> there")
            return 1
        made = _table(json.loads(file.read_text()))
        page = place.sub(lambda found, made=made: f"{found[1]}{made}{found[2]}", page)  # type: ignore[misc]
        print(f"{file.stem} is of {file.name}")
    PAGE.write_text(page)
    return 0


def _table(kept: Any) -> str:  # noqa: ANN401 - JSON
    """A table in Markdown, and below it when, on what and how."""
    numbers = ["---", *("---:" for _ in kept["head"][1:])]
    rows = [_row(kept["head"]), _row(numbers), *map(_row, kept["rows"])]
    said = f"Measured {kept['date']} on {kept['machine']}, by `{kept['how']}`."
    return "\n".join(["", *rows, "", said, "", ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
