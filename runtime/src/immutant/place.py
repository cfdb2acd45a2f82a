"""Where in the user's code something was written.

Belongs here: finding that line, and naming it in the errors that it causes.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from immutant.errors import DefinitionError

__all__ = ["Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the user's code."""

    file: str
    line: int

    @classmethod
    def of_caller(cls) -> "Place":
        """The innermost line that is not Immutant's own."""
        frame = sys._getframe(1)
        while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == "immutant":
            frame = frame.f_back
        return cls(frame.f_code.co_filename, frame.f_lineno)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Within the context a DefinitionError begins with this place."""
        try:
            yield
        except DefinitionError as error:
            raise DefinitionError(f"{self}: {error}") from error

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"
