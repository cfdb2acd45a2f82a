"""An application whose daemon falls silent; the environment says how, and what guards it.

SILENT is what its first life does, GUARD what it asked for: "hard_deadline", "alive_within", "".
"""

import asyncio
import ctypes
import os
import time
from pathlib import Path
from typing import Any

from witness import Witness

from immutant import App, BlockingTenure, Tenure

app = App("silent")
witness = Witness()

SILENT = os.environ.get("SILENT", "")
GUARDS: dict[str, dict[str, Any]] = {
    "": {},
    "hard_deadline": {"hard_deadline": True},
    "alive_within": {"alive_within": "1500ms"},
}
guard = GUARDS[os.environ.get("GUARD", "")]


def is_first() -> bool:
    """Whether nobody has fallen silent before."""
    try:
        Path(os.environ["WITNESS"] + ".silent").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def hold_the_interpreter(seconds: int) -> None:
    """As a call into C that does not let go of the interpreter's lock."""
    ctypes.PyDLL(None).sleep(seconds)


if SILENT.startswith("def"):

    @app.daemon(**guard)
    def beating(tenure: BlockingTenure) -> None:
        witness("begin", tenure.token)
        if SILENT == "def-hangs" and is_first():
            time.sleep(60)
        while True:  # never looks at its tenure
            witness("beat", tenure.token)
            if SILENT != "def-deaf":
                tenure.check()
            time.sleep(0.005)

else:

    @app.daemon(**guard, name="beating")
    async def beating_in_the_loop(tenure: Tenure) -> None:
        witness("begin", tenure.token)
        while SILENT and is_first():
            witness("silent", tenure.token)
            if SILENT == "hangs":
                await asyncio.Event().wait()
            if SILENT == "holds":
                hold_the_interpreter(10)
        async for _ in tenure.every(0.005):
            witness("beat", tenure.token)
