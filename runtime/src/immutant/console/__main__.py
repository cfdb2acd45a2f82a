"""`python -m immutant.console`: ask the application that runs in the same pod.

A request comes by standard input, one line of JSON, and its answer goes to standard output, one
line too, a refusal included: the exit status tells only whether there was an answer. With `--repl`
it is a prompt in this terminal. The socket is that of IMMUTANT_CONSOLE.
"""

import json
import os
import sys
from pathlib import Path

from immutant.console.client import NO_CONSOLE, asked
from immutant.errors import ConsoleError
from immutant.processes import EX_SOFTWARE, say

__all__ = ["main"]


def main(arguments: list[str]) -> int:
    """Ask, or hold a prompt; the exit status."""
    path = Path(os.environ.get("IMMUTANT_CONSOLE", ""))
    if arguments == ["--repl"]:
        return _prompt(path)
    try:
        answer = {"ok": asked(_needed(path), json.loads(sys.stdin.buffer.readline()))}
    except ConsoleError as error:
        answer = {"error": str(error)}
    except ValueError as error:
        answer = {"error": f"a request is one line of JSON on standard input: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    return os.EX_OK


def _prompt(path: Path) -> int:
    from immutant.console.terminal import converse

    try:
        converse(_needed(path))
    except ConsoleError as error:
        say(str(error))
        return EX_SOFTWARE
    return os.EX_OK


def _needed(path: Path) -> Path:
    if not path.name:
        raise ConsoleError(NO_CONSOLE)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
