"""How much work code does: the lines that it executes, which no load of the machine changes."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["Work", "counted"]


class Work:
    """What was counted.

    Attributes:
        lines: How many lines were executed.
    """

    def __init__(self) -> None:
        self.lines = 0


@contextmanager
def counted(package: str) -> Iterator[Work]:
    """Count, in this thread, the lines of a package under `src`, such as `immutant/election`."""
    work, before = Work(), sys.gettrace()

    def line(_frame: FrameType, event: str, _arg: object) -> Callable[..., Any]:
        work.lines += event == "line"
        return line

    def call(frame: FrameType, _event: str, _arg: object) -> Callable[..., Any] | None:
        return line if f"/src/{package}/" in frame.f_code.co_filename else None

    sys.settrace(call)
    try:
        yield work
    finally:
        sys.settrace(before)
