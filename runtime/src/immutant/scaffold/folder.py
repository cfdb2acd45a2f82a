"""A new folder with an app in it."""

from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from immutant.errors import ConfigurationError

__all__ = ["FILES", "make"]

FILES: Final = (
    "app.py",
    "test_app.py",
    "app.yaml",
    "requirements.txt",
    "README.md",
    ".immutantignore",
    ".gitignore",
)
"""What a new app consists of."""


def make(name: str, folder: Path) -> None:
    """Write a new app.

    Args:
        name: The app's, such as can be one.
        folder: Where; nothing may be there.

    Raises:
        ConfigurationError: Something is there, which is left as it is, or the folder cannot be
            written.
    """
    try:
        folder.mkdir()
        for file in FILES:
            (folder / file).write_text(_text(file, name))
    except FileExistsError as error:
        raise ConfigurationError(
            f"{folder} is there already, and is left as it is; choose another name, or make the "
            "app in another folder"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written ({error.strerror}); make the app in a folder that can be"
        ) from error


def _text(file: str, name: str) -> str:
    # Without the dot: tools that pack and search this package would heed the files, not take them.
    template = resources.files("immutant.scaffold") / "files" / f"{file.lstrip('.')}.tmpl"
    return Template(template.read_text()).substitute(name=name)
