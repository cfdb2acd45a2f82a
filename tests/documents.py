"""The documents, and the code in them.

Belongs here: finding the blocks and loading one. Not here: running them (`tests/unit/test_docs.py`,
and `tests/integration/postgres` for those that need a server).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block of a document; `line` is that of its first line of code."""

    path: Path
    line: int
    kind: str
    code: str


def blocks() -> Iterator[Block]:
    for path in DOCS:
        text = path.read_text() if path.exists() else ""
        for found in _FENCE.finditer(text):
            line = text.count("\n", 0, found.start()) + 2
            yield Block(path, line, found[1].strip(), found[2])


def name(block: Block) -> str:
    return f"{block.path.relative_to(ROOT)}:{block.line}"


def load(block: Block) -> ModuleType:
    """The block as a module of its own; errors show the line in the document."""
    module = ModuleType("documented")
    code = "\n" * (block.line - 1) + block.code
    exec(compile(code, str(block.path), "exec"), vars(module))
    return module
