"""`python -m immutant.source fetch`, then `… install`: the first containers of a pod.

Two containers, so that no code of a package that is installed sees the repository's Secret.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import Final

from immutant.contract import names
from immutant.contract.sourcing import Order
from immutant.errors import ConfigurationError, ImmutantError
from immutant.processes import told
from immutant.source.fetch import fetch
from immutant.source.packages import install

__all__ = ["main"]

_LAST_WORDS: Final = Path("/dev/termination-log")
"""What Kubernetes shows in a pod's status of a container that has ended."""


def main(arguments: list[str], workshop: Path = Path(names.WORKSHOP_FOLDER)) -> int:
    """Fetch or install; the exit status."""
    try:
        _work(arguments, workshop)
    except ImmutantError as error:
        with contextlib.suppress(OSError):
            if _LAST_WORDS.exists():
                _LAST_WORDS.write_text(str(error))
        return told(error)
    return 0


def _work(arguments: list[str], workshop: Path) -> None:
    source = workshop / "app"
    if arguments == ["fetch"]:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
            if name in os.environ:  # dulwich knows them by their small letters alone
                os.environ.setdefault(name.lower(), os.environ[name])
        is_new = fetch(Order.read(), source)
    elif arguments == ["install"]:
        is_new = install(source, workshop / "packages")
    else:
        raise ConfigurationError("write: python -m immutant.source fetch, or install")
    print("done" if is_new else "nothing to do")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
