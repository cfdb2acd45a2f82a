"""Where every thread and every task of this process is.

Belongs here: the text of a thread dump, made in a thread that waits for nobody: the loop may be
what hangs. What changes while it is looked at is shown as it was found.
"""

import asyncio
import os
import sys
import threading
import traceback
from collections import defaultdict
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

__all__ = ["stacks"]

_DEEPEST: Final = 200
"""Coroutines that wait for one another, at most; more are a recursion."""


def stacks(loop: asyncio.AbstractEventLoop, loop_thread: int) -> str:
    """All threads but the calling one, then the loop's tasks; equal stacks of tasks are one.

    Args:
        loop: The application's loop.
        loop_thread: The id of its thread.
    """
    parts = [*_threads(loop_thread), *_tasks(loop)]
    return "\n\n".join(parts) + "\n"


def _threads(loop_thread: int) -> Iterator[str]:
    names = {thread.ident: thread for thread in threading.enumerate()}
    frames = sys._current_frames()
    # The loop's own is what one looks for first.
    for ident in sorted(frames, key=lambda one: (one != loop_thread, one)):
        if ident == threading.get_ident():
            continue
        thread = names.get(ident)
        title = f"Thread {thread.name!r}" if thread else f"Thread {ident}, not of Python's making"
        known = f" (system id {_system_id(thread)})" if thread else ""
        role = ", the application's loop" if ident == loop_thread else ""
        yield f"{title}{known}{role}:\n{_stack(frames[ident])}"


def _system_id(thread: threading.Thread) -> int | None:
    """Python keeps that of the parent for a main thread that was forked."""
    return os.getpid() if thread is threading.main_thread() else thread.native_id


def _tasks(loop: asyncio.AbstractEventLoop) -> Iterator[str]:
    alike: dict[str, list[str]] = defaultdict(list)
    for task in asyncio.all_tasks(loop):
        alike[_waits(task.get_coro())].append(task.get_name())
    for text, names in sorted(alike.items(), key=lambda one: (-len(one[1]), one[0])):
        several = f"{len(names)} tasks" if len(names) > 1 else "Task"
        shown = ", ".join(sorted(names)[:5]) + (", …" if len(names) > 5 else "")
        yield f"{several} {shown}:\n{text}"


def _waits(coroutine: Any) -> str:  # noqa: ANN401 - coroutine, generator, or what C made
    """The coroutines of a task, from the outermost to the one that waits."""
    lines: list[str] = []
    for _ in range(_DEEPEST):
        frame = _part(coroutine, "frame")
        if frame is None:
            break
        lines += traceback.format_list(traceback.extract_stack(frame, limit=1))
        coroutine = _part(coroutine, "await")
    return "".join(lines).rstrip() or "  (no Python code)"


def _part(coroutine: object, what: str) -> Any:  # noqa: ANN401 - a frame or what is awaited
    names = (f"cr_{what}", f"gi_{'yieldfrom' if what == 'await' else what}", f"ag_{what}")
    return next((found for one in names if (found := getattr(coroutine, one, None))), None)


def _stack(frame: FrameType) -> str:
    return "".join(traceback.format_list(traceback.extract_stack(frame))).rstrip()
