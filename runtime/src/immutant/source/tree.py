"""Writing the files of a source into a folder that nothing can leave.

Whatever it comes from, the source is a row of entries here. Python's own `tarfile` can refuse what
would leave the folder since 3.11.4, which is younger than the Python of the images. Belongs here:
what is allowed, and how much. Not here: where the entries come from (`archive`, `git`).
"""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from immutant.errors import ConfigurationError

__all__ = ["Entry", "Limits", "clear", "write_tree"]

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or symbolic link of a source; folders come with what is in them.

    Attributes:
        path: Where it is, with slashes, from the source's root.
        content: What is in it; None: it is a link.
        executable: Whether its owner may execute it.
        target: What the link points to.
    """

    path: str
    content: IO[bytes] | None
    executable: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a source may be, so that it fills no node's disk.

    Attributes:
        files: How many files and links.
        size: Bytes of all files together.
    """

    files: int = 20_000
    size: int = 512 << 20


def write_tree(entries: Iterable[Entry], folder: Path, limits: Limits | None = None) -> None:
    """Write a source's files into a folder that is made for it.

    Links are made once all files are there, so that no file is written through one.

    Raises:
        ConfigurationError: It would leave the folder, or is larger than the limits.
    """
    limits = limits or Limits()
    folder.mkdir(parents=True)
    links: list[Entry] = []
    left = limits.size
    for number, entry in enumerate(entries, 1):
        if number > limits.files:
            raise ConfigurationError(f"the source has more than {limits.files} files; {_REMEDY}")
        place = folder / _checked(entry.path)
        if entry.content is None:
            links.append(entry)
        else:
            left = _write(entry, place, left, limits)
    for link in links:
        _link(link, folder)


_REMEDY: Final = "leave out what the application does not need, or build an image (spec.image)"


def _checked(path: str) -> PurePosixPath:
    """The path, if it stays below the folder."""
    found = PurePosixPath(path)
    if not found.parts or found.is_absolute() or ".." in found.parts or "\0" in path:
        raise ConfigurationError(
            f"the source has a file {path!r}, which is outside of its root; pack it again without"
        )
    return found


def _write(entry: Entry, place: Path, left: int, limits: Limits) -> int:
    """Write a file; the bytes that are left then."""
    assert entry.content is not None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            while chunk := entry.content.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise ConfigurationError(
                        f"the source's files are more than {limits.size >> 20} MiB; {_REMEDY}"
                    )
                file.write(chunk)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigurationError(
            f"the source has {entry.path!r} twice, or as a file and as a folder; pack it again"
        ) from error
    place.chmod(0o755 if entry.executable else 0o644)
    return left


def _link(link: Entry, folder: Path) -> None:
    """Make a link, if what it points to is in the folder, through whatever links there are."""
    root, place = folder.resolve(), folder / link.path
    parent = place.parent.resolve()
    target = (parent / link.target).resolve()
    if os.path.isabs(link.target) or not target.is_relative_to(root):  # noqa: PTH117
        raise ConfigurationError(
            f"the link {link.path} in the source points out of it, to {link.target}; copy the file "
            "into the source instead"
        )
    if not parent.is_relative_to(root) or os.path.lexists(place):
        raise ConfigurationError(f"the source has {link.path!r} twice; pack it again")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(link.target)


def clear(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
