"""Where print() goes: to the prompt whose code prints, and otherwise where it always went.

Belongs here: the stream that tells the two apart by a context variable, which tasks and threads of
the code inherit. Not here: how text gets to the terminal.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO, cast

__all__ = ["printing", "switched"]

printing: ContextVar[Callable[[str], None] | None] = ContextVar("printing", default=None)
"""Takes what the code at hand prints; None: standard output does."""


class _Switch:
    """Standard output, as the application knows it in all else."""

    def __init__(self, usual: TextIO) -> None:
        self.usual = usual
        self.prompts = 0

    def write(self, text: str) -> int:
        say = printing.get()
        if say is None:
            return self.usual.write(text)
        say(text)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self.usual, name)


@contextmanager
def switched() -> Iterator[None]:
    """Let `printing` decide while the context is open; contexts of several prompts may overlap."""
    stream: object = sys.stdout
    switch = stream if isinstance(stream, _Switch) else _Switch(sys.stdout)
    sys.stdout = cast("TextIO", switch)
    switch.prompts += 1
    try:
        yield
    finally:
        switch.prompts -= 1
        stream = cast("object", sys.stdout)
        if switch.prompts == 0 and stream is switch:  # else somebody has put another one there
            sys.stdout = switch.usual
