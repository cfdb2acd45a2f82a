"""A Python prompt on an application: names that live as long as it does, one input at a time.

Belongs here: reading an input as Python does, showing what comes of it, completion. Not here: in
which thread it runs (`immutant.console.running`), and the connection to the terminal
(`immutant.console.session`).
"""

import ast
import asyncio
import codeop
import traceback
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType
from typing import Any, Final

from immutant.app import App
from immutant.console.running import FILENAME, InterruptedInput, Run, run

__all__ = ["ExitPrompt", "Prompt", "names_of"]

_AWAIT: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_SHOW: Final = "__show__"
_MOST_COMPLETIONS: Final = 200


class ExitPrompt(SystemExit):
    """`exit()` at the prompt; it ends the prompt and nothing else."""


def names_of(app: App, module: ModuleType) -> dict[str, Any]:
    """What a prompt begins with: the user's own names, and a few of ours.

    A copy: what is assigned at the prompt is the prompt's, and the application keeps its own.
    """

    def leave() -> None:
        raise ExitPrompt

    ours = {"app": app, "asyncio": asyncio, "exit": leave, "quit": leave}
    return {**vars(module), **ours, "__name__": "__console__", "__file__": None}


class Prompt:
    """One prompt."""

    def __init__(
        self, names: dict[str, Any], loop: asyncio.AbstractEventLoop, say: Callable[[str], None]
    ) -> None:
        """Make a prompt.

        Args:
            names: Its global names; they become its own.
            loop: The application's.
            say: Takes what is printed; from any thread.
        """
        self._names = names
        self._loop = loop
        self._say = say
        self._lines: list[str] = []
        self._compile = codeop.CommandCompiler()
        self._compile.compiler.flags |= _AWAIT
        names[_SHOW] = self._show

    @property
    def text(self) -> str:
        """What Python writes before the next line."""
        return "... " if self._lines else ">>> "

    def forget(self) -> None:
        """Forget the lines of an input that is not complete."""
        self._lines.clear()

    def feed(self, line: str) -> Run | None:
        """Take a line; begin to run the input if that completes it."""
        self._lines.append(line)
        source = "\n".join(self._lines)
        try:
            if self._compile(source, FILENAME, "single") is None:
                return None
            code = self._compiled(source)
        except (SyntaxError, OverflowError, ValueError, RecursionError, MemoryError) as error:
            self.forget()
            self._say("".join(traceback.format_exception_only(error)))
            return None
        self.forget()
        return run(code, self._names, self._loop, self._say)

    def tell(self, error: BaseException | None) -> None:
        """Show how an input has ended.

        Raises:
            ExitPrompt: It asked for the end of the prompt.
        """
        if isinstance(error, ExitPrompt):
            raise error
        if isinstance(error, KeyboardInterrupt | InterruptedInput | asyncio.CancelledError):
            self._say("KeyboardInterrupt\n")
        elif error is not None:
            trace = _users(error.__traceback__)
            self._say("".join(traceback.format_exception(type(error), error, trace)))

    def completions(self, text: str) -> list[str]:
        """What the word may become; attributes of what it names are looked at."""
        import rlcompleter  # it takes hold of the terminal's library, if there is one

        completer = rlcompleter.Completer(self._names)
        found: list[str] = []
        while len(found) < _MOST_COMPLETIONS and (one := completer.complete(text, len(found))):
            found.append(one)
        return [one for one in found if one.rstrip("(") != _SHOW]

    def _compiled(self, source: str) -> CodeType:
        """The input, each expression in it shown once it has its value."""
        tree = ast.parse(source, FILENAME)
        for statement in tree.body:
            if isinstance(statement, ast.Expr):
                shown = ast.Call(ast.Name(_SHOW, ast.Load()), [statement.value], [])
                statement.value = ast.copy_location(shown, statement.value)
        code: CodeType = compile(ast.fix_missing_locations(tree), FILENAME, "exec", flags=_AWAIT)
        return code

    def _show(self, value: object) -> None:
        if value is not None:
            self._names["_"] = value
            print(repr(value))  # noqa: T201 - to the prompt


def _users(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from what was typed on."""
    found = trace
    while found is not None and found.tb_frame.f_code.co_filename != FILENAME:
        found = found.tb_next
    return found or trace
