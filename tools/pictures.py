"""What the command line looks like, as pictures for the documents: docs/images/*.svg.

    python tools/pictures.py NAME SECONDS COMMAND…

runs the command in a terminal of its own for at most so many seconds, and draws what it printed.
"""

import io
import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

FOLDER = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 110
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich's pictures load their font from elsewhere; the documents load nothing."""


def main(name: str, seconds: float, *command: str) -> None:
    """Draw one picture."""
    title = " ".join(["immutant", *command[1:]] if command[0].endswith("immutant") else command)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(_printed(seconds, command)))
    picture = _FONTS.sub("", console.export_svg(title=title))
    (FOLDER / f"{name}.svg").write_text(picture)


def _printed(seconds: float, command: tuple[str, ...]) -> str:
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "40"}
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    said, deadline = b"", time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                said += os.read(terminal, 65536)
            except OSError:  # it has ended
                break
    os.kill(child, signal.SIGINT)
    os.close(terminal)
    os.waitpid(child, 0)
    return said.decode(errors="replace").replace("\r\n", "\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:])
