"""What Immutant itself needs in the container `app`, in the very versions that the image has.

A package of the application's own comes before the image's, so that another version of one of
these would break Immutant. Belongs here: finding them out. Not here: what is done with them.
"""

import re
from collections.abc import Iterable
from importlib import metadata
from typing import Final

__all__ = ["pins"]

_EXTRAS: Final = ("cluster", "tracing")
"""Those of Immutant whose packages the container `app` imports; the sidecar's and pip's it does
not."""

_COMMAND_LINE: Final = {"pathspec", "pyyaml", "rich", "typer", "watchfiles"}
"""What the command line alone needs, which that container does not run: others may be installed."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


def pins() -> list[str]:
    """Immutant and all that it needs, as `name==version`."""
    found: dict[str, str] = {}
    waiting = ["immutant"]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            known = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # for another system, or another Python
        found[name] = known.version
        extras = _EXTRAS if name == "immutant" else ()
        waiting += _needed(known.requires or (), extras)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def _needed(requires: Iterable[str], extras: Iterable[str]) -> list[str]:
    """The names in a distribution's requirements, those of these extras included."""
    names = []
    for line in requires:
        extra = _EXTRA.search(line)
        named = _NAME.match(line)
        if named and (extra is None or extra[1] in extras):
            names.append(re.sub(r"[-_.]+", "-", named[0]).lower())
    return [name for name in names if name not in _COMMAND_LINE]
