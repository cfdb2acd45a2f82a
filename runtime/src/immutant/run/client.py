"""The control commands, in the terminal where they are typed.

Belongs here: finding the launcher of a state folder and asking it one thing.
"""

import json
import socket
from pathlib import Path
from typing import Any

from immutant.errors import ImmutantError, NotRunningError
from immutant.run.places import NOTE
from immutant.values import Value

__all__ = ["ControlError", "ask", "runs"]


class ControlError(ImmutantError):
    """The launcher refused the command."""


def ask(state: Path, verb: str, **arguments: Value) -> Any:  # noqa: ANN401 - as the verb says
    """The launcher's answer.

    Raises:
        NotRunningError: No `immutant run` uses this state folder.
        ControlError: It refused; the text is its sentence.
    """
    request = json.dumps({"verb": verb, **arguments}).encode() + b"\n"
    try:
        control = json.loads((state / NOTE).read_text())["control"]
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(control)
            connection.sendall(request)
            with connection.makefile("rb") as lines:
                answer = json.loads(lines.readline())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotRunningError(
            f"no `immutant run` uses the state folder {state}; start one with `immutant run app.py`"
            ", or name the folder of the one that runs: --state DIR"
        ) from error
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer["ok"]


def runs(state: Path) -> bool:
    """Whether an `immutant run` uses this state folder."""
    try:
        ask(state, "gears")
    except NotRunningError:
        return False
    except ControlError:  # whoever refuses is there
        return True
    return True
