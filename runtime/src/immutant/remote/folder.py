"""The files of a folder, as `immutant deploy` takes them.

Belongs here: walking it, and what is never taken. Not here: packing.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from immutant.errors import ConfigurationError, ValueRefusedError
from immutant.remote.ignoring import IGNORE_FILE, Rules
from immutant.remote.packing import Entry, File, Link, check_size

__all__ = ["Folder", "walk"]

_NEVER: Final = frozenset({".git", ".venv", "__pycache__", ".immutant"})
"""Names that are of this machine, and of no use in a pod."""

_FILES: Final = (".gitignore", IGNORE_FILE)
"""The ignore files, the one that wins last."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What is in a folder.

    Attributes:
        entries: Its files and links.
        moment: When the newest of them was changed, in seconds since 1970.
    """

    entries: list[Entry]
    moment: int


def walk(root: Path) -> Folder:
    """The files and links below a folder that no ignore file names.

    Raises:
        ConfigurationError: It is no folder, or an ignore file has a line that is no pattern.
        ValueRefusedError: There is too much, or something that is neither file nor link.
    """
    if not root.is_dir():
        raise ConfigurationError(
            f"{root} is no folder; name the one that has your app: immutant deploy APP DIR"
        )
    found = [(path, (root / path).lstat()) for path in _paths(root, "", Rules())]
    check_size([(path, facts.st_size) for path, facts in found])
    entries = [_entry(root / path, path, facts.st_mode) for path, facts in found]
    return Folder(entries, max((int(facts.st_mtime) for _, facts in found), default=0))


def _paths(root: Path, folder: str, rules: Rules) -> Iterator[str]:
    if text := _ignore_text(root / folder):
        rules.add(folder, text, " or ".join(_FILES))
    for one in sorted(os.scandir(root / folder), key=lambda one: one.name):
        path = f"{folder}/{one.name}" if folder else one.name
        is_folder = one.is_dir(follow_symlinks=False)
        if one.name in _NEVER or rules.ignore(path, is_folder=is_folder):
            continue
        if is_folder:
            yield from _paths(root, path, rules)
        else:
            yield path


def _ignore_text(folder: Path) -> str:
    texts = [
        (folder / name).read_text(errors="replace") for name in _FILES if (folder / name).is_file()
    ]
    return "\n".join(texts)


def _entry(path: Path, name: str, mode: int) -> Entry:
    if stat.S_ISLNK(mode):
        return Link(name, str(path.readlink()))
    if not stat.S_ISREG(mode):
        raise ValueRefusedError(
            f"{name} is neither a file nor a link; leave it out by .immutantignore"
        )
    return File(name, path.read_bytes(), bool(mode & stat.S_IXUSR))
