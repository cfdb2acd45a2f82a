"""A folder as a package: what `immutant deploy` deploys.

Belongs here: what it is called in the history. Not here: which files it has (`folder`).
"""

import getpass
from datetime import UTC, datetime
from pathlib import Path

from immutant.remote.archive import Origin
from immutant.remote.deployment import Package
from immutant.remote.folder import walk

__all__ = ["package"]


def package(root: Path) -> Package:
    """The files below a folder.

    Raises:
        ConfigurationError: It is no folder, or an ignore file has a line that is no pattern.
        ValueRefusedError: There is too much, or something that is neither file nor link.
    """
    found = walk(root)
    revision = datetime.now(UTC).strftime("dir-%Y%m%dT%H%M%SZ")
    origin = Origin(revision, f"folder {root.resolve().name}", _user())
    return Package(found.entries, found.moment, origin)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        return ""
