"""What a source requires, and where it is to be had, as options of pip.

Belongs here: reading requirements.txt, pyproject.toml and the folder `wheels`. Not here: running
pip (`packages`), and what Immutant itself requires (`own`).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from immutant.errors import ConfigurationError

__all__ = ["Requirements"]

_WHEELS: Final = "wheels"
_INDEXES: Final = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


@dataclass(frozen=True, slots=True)
class Requirements:
    """What is to be installed.

    Attributes:
        file: Where it is written, for sentences.
        options: What pip is told: requirements, and where to look for them.
    """

    file: str
    options: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str]) -> "Requirements | None":
        """The requirements of a source; None: it has none.

        requirements.txt counts, and without it the dependencies in pyproject.toml. With a folder
        `wheels` no index is asked, unless the environment names one.

        Raises:
            ConfigurationError: pyproject.toml cannot be read, or does not tell its dependencies.
        """
        if (folder / "requirements.txt").is_file():
            return cls("requirements.txt", (*_places(folder, environ), "-r", "requirements.txt"))
        dependencies = _dependencies(folder / "pyproject.toml")
        if not dependencies:
            return None
        return cls("pyproject.toml", (*_places(folder, environ), *dependencies))


def _places(folder: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    if not (folder / _WHEELS).is_dir():
        return ()
    has_index = any(environ.get(name) for name in _INDEXES)
    return (*(() if has_index else ("--no-index",)), "--find-links", _WHEELS)


def _dependencies(file: Path) -> list[str]:
    """The project's dependencies; it is not built, since it runs from its folder."""
    if not file.is_file():
        return []
    try:
        project = tomllib.loads(file.read_text()).get("project", {})
        if "dependencies" in project.get("dynamic", ()):
            raise ConfigurationError(
                "the dependencies in pyproject.toml are dynamic, so that the project would have to "
                "be built to know them; write them into requirements.txt"
            )
        found = project.get("dependencies", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ConfigurationError(f"pyproject.toml cannot be read: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ConfigurationError("project.dependencies in pyproject.toml must be a list of texts")
    return [_harmless(one) for one in found]


def _harmless(requirement: str) -> str:
    """A requirement as an argument, which must not be taken for an option."""
    if requirement.strip().startswith("-"):
        raise ConfigurationError(f"pyproject.toml requires {requirement!r}, which is no package")
    return requirement
