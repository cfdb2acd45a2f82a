"""Which application to run, as users name it: `app.py`, `path/app.py:app`, `module:app`.

Belongs here: parsing, for the launcher and the supervisor alike, without importing anything. Not
here: importing the application (`immutant.serve.loading`).
"""

from dataclasses import dataclass
from pathlib import Path

from immutant.errors import ConfigurationError

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """The application to run: a file or a module, and the attribute that holds the application."""

    source: str
    attribute: str

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Parse `app.py`, `path/app.py:app` or `module:app`.

        Raises:
            ConfigurationError: It is none of these, or the file does not exist.
        """
        source, colon, attribute = text.partition(":")
        target = cls(source, attribute if colon else "app")
        named = target.is_file or all(part.isidentifier() for part in source.split("."))
        if not source or not named or not target.attribute.isidentifier():
            raise ConfigurationError(
                f"{text!r} names no application; write app.py, path/app.py:app or module:app"
            )
        if target.is_file and not Path(source).is_file():
            raise ConfigurationError(
                f"there is no file {source} in {Path.cwd()}; "
                "name the application's file: immutant run path/app.py"
            )
        return target

    @property
    def is_file(self) -> bool:
        """Whether the source is a path rather than a module's name."""
        return self.source.endswith(".py") or "/" in self.source

    @property
    def folder(self) -> Path:
        """Where the application's source lies: the file's folder, or the current one."""
        return Path(self.source).resolve().parent if self.is_file else Path.cwd()

    @property
    def entrypoint(self) -> str:
        """The target as `immutant serve` takes it."""
        return f"{self.source}:{self.attribute}"
