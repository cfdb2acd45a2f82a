"""Programs that stand in for others on the PATH.

Belongs here: making one of a text in Python. Not here: what it says.
"""

import sys
from pathlib import Path

__all__ = ["kubectl"]


def kubectl(folder: Path, text: str) -> Path:
    """Make a kubectl of this Python; the new folder that it is in, for the PATH."""
    program = folder / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\n{text}")
    program.chmod(0o755)
    return program.parent
