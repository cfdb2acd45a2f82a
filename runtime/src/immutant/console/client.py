"""Asking a console on this machine.

Belongs here: one request, one answer, and what it means when there is none. Not here: how one gets
to another machine's console.
"""

import json
import socket
from pathlib import Path
from typing import Final

from immutant.console.requests import Json
from immutant.errors import ConsoleError
from immutant.values import Value

__all__ = ["NO_CONSOLE", "PATIENCE", "asked", "connected", "read_answer"]

PATIENCE: Final = 15.0
"""Seconds for an answer: more than the application has for it."""

NO_CONSOLE: Final = (
    "this process has no console (IMMUTANT_CONSOLE is not set): its pod was made by an operator of "
    "a version before consoles; roll the app, such as by kubectl delete pod, and ask again"
)


def asked(path: Path, request: Json, *, patience: float = PATIENCE) -> Value:
    """What the application at this socket answers.

    Raises:
        ConsoleError: It refuses, does not run or does not answer; the text says which.
    """
    with connected(path, patience) as connection, connection.makefile("rwb") as lines:
        try:
            lines.write(json.dumps(request).encode() + b"\n")
            lines.flush()
            return read_answer(lines.readline())
        except TimeoutError as error:
            raise ConsoleError(
                f"the application took the question and gave no answer within {patience:g} s: its "
                "process is stopped, or code in C keeps Python's interpreter to itself"
            ) from error
        except OSError as error:
            raise ConsoleError(_gone(path, error)) from error


def connected(path: Path, patience: float | None) -> socket.socket:
    """A connection to the console.

    Raises:
        ConsoleError: Nobody listens there.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(patience)
        connection.connect(str(path))
    except OSError as error:
        connection.close()
        raise ConsoleError(_gone(path, error)) from error
    return connection


def read_answer(line: bytes) -> Value:
    """The answer of a line.

    Raises:
        ConsoleError: It is a refusal, or none at all.
    """
    try:
        answer = json.loads(line)
        if "error" in answer:
            raise ConsoleError(answer["error"])
        return answer["ok"]
    except (ValueError, KeyError, TypeError) as error:
        raise ConsoleError(
            "the application ended before it had answered; look whether it was done, and ask again"
        ) from error


def _gone(path: Path, error: OSError) -> str:
    return (
        f"the application does not listen at {path} ({error.strerror or error}): it is starting, "
        "or has ended; look again once the replica runs"
    )
