"""Fetching the source that a pod is told to run, once.

Belongs here: the order of things: fetch, write, check, and only then show it. Not here: any of
these.
"""

from collections.abc import Iterator
from pathlib import Path

from immutant.contract import names
from immutant.contract.sourcing import Archive, Order
from immutant.gitlogin import Login
from immutant.source import archive, entrypoint, git
from immutant.source.tree import Entry, clear, write_tree

__all__ = ["fetch"]


def fetch(
    order: Order,
    folder: Path,
    parts: Path = Path(names.PARTS_FOLDER),
    secret: Path = Path(names.SECRET_FOLDER),
) -> bool:
    """Fetch the source into a folder, unless it is there already.

    The folder appears once all is in it, and stays as it is for the life of the pod.

    Args:
        order: What is to be fetched.
        folder: Where it is to be.
        parts: Where the parts of an archive are.
        secret: Where the Secret of a repository is, if it has one.

    Returns:
        Whether it was fetched now.

    Raises:
        ConfigurationError: It is not what it should be.
        ImmutantError: It cannot be fetched now.
    """
    if folder.exists():
        return False
    building = folder.with_name(f"{folder.name}.new")
    clear(building)
    write_tree(_entries(order, parts, secret), building)
    entrypoint.check(order.entrypoint, building)
    building.rename(folder)
    return True


def _entries(order: Order, parts: Path, secret: Path) -> Iterator[Entry]:
    if isinstance(order.origin, Archive):
        return archive.entries(archive.joined(order.origin, parts))
    return git.entries(order.origin, Login.mounted(secret))
