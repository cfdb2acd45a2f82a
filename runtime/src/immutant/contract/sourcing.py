"""What the first containers of a pod are told of the source: where it is, what it must be.

Belongs here: the variables' names, meaning and parsing, for the operator that sets them and
`immutant.source` that reads them. Not here: fetching (`immutant.source`), what users write
(`immutant_operator.spec`).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from immutant.errors import ConfigurationError

__all__ = ["Archive", "GitCommit", "Order"]


@dataclass(frozen=True, slots=True)
class Archive:
    """A tar compressed by xz, in parts.

    Attributes:
        parts: The ConfigMaps of the parts, in order (IMMUTANT_SOURCE_PARTS, by commas).
        sha256: Of the joined parts, in hexadecimal digits (IMMUTANT_SOURCE_SHA256).
    """

    parts: tuple[str, ...]
    sha256: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Archive":
        """Parse the environment.

        Raises:
            ConfigurationError: A variable is missing; the text names it.
        """
        return cls(
            parts=tuple(_need(environ, "IMMUTANT_SOURCE_PARTS").split(",")),
            sha256=_need(environ, "IMMUTANT_SOURCE_SHA256"),
        )

    def variables(self) -> dict[str, str]:
        """The variables that `read` turns into this."""
        return {
            "IMMUTANT_SOURCE_PARTS": ",".join(self.parts),
            "IMMUTANT_SOURCE_SHA256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit of a git repository.

    Attributes:
        url: Where the repository is (IMMUTANT_SOURCE_URL).
        commit: Its hexadecimal digits (IMMUTANT_SOURCE_COMMIT).
        revision: The branch, tag or commit by which it was found (IMMUTANT_SOURCE_REVISION).
        path: The folder in it that is the source; "": all of it (IMMUTANT_SOURCE_PATH).
    """

    url: str
    commit: str
    revision: str = ""
    path: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "GitCommit":
        """Parse the environment.

        Raises:
            ConfigurationError: A variable is missing; the text names it.
        """
        return cls(
            url=_need(environ, "IMMUTANT_SOURCE_URL"),
            commit=_need(environ, "IMMUTANT_SOURCE_COMMIT"),
            revision=environ.get("IMMUTANT_SOURCE_REVISION", ""),
            path=environ.get("IMMUTANT_SOURCE_PATH", ""),
        )

    def variables(self) -> dict[str, str]:
        """The variables that `read` turns into this."""
        return {
            "IMMUTANT_SOURCE_URL": self.url,
            "IMMUTANT_SOURCE_COMMIT": self.commit,
            "IMMUTANT_SOURCE_REVISION": self.revision,
            "IMMUTANT_SOURCE_PATH": self.path,
        }


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be fetched, and what must be in it.

    Attributes:
        origin: Where it is.
        entrypoint: The application, whose file must be in it (IMMUTANT_SOURCE_ENTRYPOINT).
    """

    origin: Archive | GitCommit
    entrypoint: str

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> "Order":
        """Parse the environment.

        Raises:
            ConfigurationError: A variable is missing; the text names it.
        """
        kind = GitCommit if environ.get("IMMUTANT_SOURCE_URL") else Archive
        return cls(kind.read(environ), _need(environ, "IMMUTANT_SOURCE_ENTRYPOINT"))

    def variables(self) -> dict[str, str]:
        """The variables that `read` turns into this."""
        return {**self.origin.variables(), "IMMUTANT_SOURCE_ENTRYPOINT": self.entrypoint}


def _need(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise ConfigurationError(
            f"{name} is not set; the operator sets it: python -m immutant.source runs in a pod"
        )
    return value
