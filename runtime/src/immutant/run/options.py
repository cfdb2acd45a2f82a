"""What `immutant run` was asked to do.

Belongs here: the options, checked and with their defaults resolved. No I/O.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from immutant.errors import ConfigurationError
from immutant.targets import Target

__all__ = ["Options"]

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")
"""A Kubernetes label, short enough that socket paths stay within their limit."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `immutant run`; times in seconds.

    Attributes:
        name: The application's name; "" in the constructor: that of the target's folder.
        state: The folder of the shared state.
        seconds: Stop by itself after so long; None: never.
        grace: How long a replica may take to finish when it is stopped.
        repl: Whether replicas run what is typed at `immutant repl`.
    """

    target: Target
    replicas: int = 1
    host: str = "127.0.0.1"
    port: int = 8080
    state: Path = Path(".immutant")
    name: str = ""
    seconds: float | None = None
    reload: bool = True
    grace: float = 10.0
    repl: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", _label(self.target))
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} cannot name replicas; "
                "use at most 40 lower-case letters, digits and dashes: --name demo"
            )


def _label(target: Target) -> str:
    raw = target.folder.name if target.is_file else target.source.split(".")[0]
    return re.sub(r"[^a-z0-9]+", "-", raw.lower())[:40].strip("-") or "app"
