"""Which files stay behind: `.immutantignore`, and `.gitignore` where no git has looked at it.

Belongs here: the rules, read as git reads its own. Not here: walking a tree.
"""

import re
from typing import Final

from pathspec import GitIgnoreSpec

from immutant.errors import ConfigurationError

__all__ = ["IGNORE_FILE", "Rules"]

IGNORE_FILE: Final = ".immutantignore"


class Rules:
    """The ignore files of a tree, by the folders that they lie in."""

    def __init__(self) -> None:
        self._specs: dict[str, GitIgnoreSpec] = {}

    def add(self, folder: str, text: str, name: str = IGNORE_FILE) -> None:
        """Take an ignore file, or several as one: what stands later in it wins.

        Args:
            folder: Where it lies, relative to the tree; "" is the tree itself.
            text: What is in it.
            name: What it is called, for the error.

        Raises:
            ConfigurationError: A line of it is no pattern.
        """
        try:
            self._specs[folder] = GitIgnoreSpec.from_lines(map(_plain, text.splitlines()))
        except ValueError as error:
            where = f"{folder}/{name}" if folder else name
            raise ConfigurationError(f"{where} has a line that is no pattern: {error}") from error

    def ignore(self, path: str, *, is_folder: bool = False) -> bool:
        """Whether a path is left out, its parent folders aside: the nearest ignore file decides."""
        folder = path
        while folder:
            folder = folder.rpartition("/")[0]
            if (spec := self._specs.get(folder)) is not None:
                below = path[len(folder) :].lstrip("/") + "/" * is_folder
                if (verdict := _verdict(spec, below)) is not None:
                    return verdict
        return False

    def hide(self, path: str) -> bool:
        """Whether a file is left out, by itself or with a folder that it lies in."""
        parts = path.split("/")
        folders = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        return any(self.ignore(one, is_folder=True) for one in folders) or self.ignore(path)


def _plain(line: str) -> str:
    """A line without the one form that is read otherwise here: `a/**/` is not `a` itself to git."""
    return f"{line}*/" if line.endswith("/**/") else line


def _verdict(spec: GitIgnoreSpec, path: str) -> bool | None:
    """What the last pattern says that names the path itself; None: none does.

    A spec, asked as a whole, lets patterns count that name a parent folder. To git these count for
    the folder alone: else `!?` would take back `c.py` in any folder with a short name.
    """
    for pattern in reversed(list(spec.patterns)):
        found = pattern.match_file(path) if pattern.include is not None else None
        if found is not None and _is_whole(found.match, path):
            return pattern.include
    return None


def _is_whole(match: re.Match[str], path: str) -> bool:
    """Whether a pattern's expression names a path itself, and not a folder above it.

    The group `ps_d` is the slash behind what it names: nothing else for `*/`, which is any folder.
    One without it (`a/**`) names what is in a folder, and not the folder.
    """
    if match.groupdict().get("ps_d") is not None:
        return match.end("ps_d") == len(path) or (match.group() == "/" and path.endswith("/"))
    return not (match.group().endswith("/") and match.end() == len(path))
