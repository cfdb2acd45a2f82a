"""Which programs a replica consists of.

Belongs here: the command lines. Tests give others.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Programs"]


@dataclass(frozen=True, slots=True)
class Programs:
    """The command lines of one replica's processes, and of the check before a reload.

    Attributes:
        check: Ends with 0 when the application can be imported, else says why on stderr and ends
            with 78.
    """

    coordinator: Sequence[str]
    app: Sequence[str]
    check: Sequence[str]

    @classmethod
    def of(cls, entrypoint: str) -> "Programs":
        """Immutant's own programs for this application."""
        # -P: no file beside the application may pass for a module of the standard library.
        python = (sys.executable, "-P", "-m")
        serve = (*python, "immutant.serve")
        return cls(
            coordinator=(*python, "immutant.coordinator"),
            app=(*serve, entrypoint),
            check=(*serve, "--check", entrypoint),
        )
