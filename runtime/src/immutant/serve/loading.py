"""Importing the user's application.

Belongs here: turning a target into the App, and every way in which that fails into a sentence. The
user's own errors keep their traceback, from the user's first line on.
"""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

from immutant.app import App
from immutant.errors import ConfigurationError, ImmutantError
from immutant.targets import Target

__all__ = ["load_app", "module_of"]

_IMPORTING: Final = (__file__, importlib.__file__)


def load_app(entrypoint: str) -> App:
    """Import the application that an entrypoint names.

    Raises:
        ConfigurationError: It cannot be imported, or is no App; the text says what to mend.
    """
    target = Target.parse(entrypoint)
    sys.path.insert(0, str(target.folder))
    module = _import(target)
    found = getattr(module, target.attribute, None)
    if isinstance(found, App):
        return found
    apps = [name for name, value in vars(module).items() if isinstance(value, App)]
    if found is not None:
        raise ConfigurationError(
            f"{entrypoint} is {found!r}, which is no immutant.App; wrap it: "
            'app = App("demo"); app.mount("/", that)'
        )
    if apps:
        raise ConfigurationError(
            f"{target.source} has no {target.attribute!r}, but {' and '.join(apps)}; "
            f"run {target.source}:{apps[0]}"
        )
    raise ConfigurationError(
        f"{target.source} defines no application; write in it: from immutant import App; "
        f'{target.attribute} = App("demo")'
    )


def module_of(entrypoint: str) -> ModuleType:
    """The module that `load_app` has imported for this entrypoint."""
    target = Target.parse(entrypoint)
    return sys.modules[Path(target.source).stem if target.is_file else target.source]


def _import(target: Target) -> ModuleType:
    try:
        return _import_file(Path(target.source)) if target.is_file else _import_module(target)
    except ImmutantError as error:
        raise ConfigurationError(f"{target.source}: {error}") from error
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{target.source} cannot be imported; mend this first:\n{_told(error)}"
        ) from error


def _import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is no Python file; name one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _import_module(target: Target) -> ModuleType:
    try:
        return importlib.import_module(target.source)
    except ModuleNotFoundError as error:
        if error.name != target.source.split(".")[0]:
            raise
        raise ConfigurationError(
            f"there is no module {target.source} in {target.folder}; "
            "write the file's path, or run from the folder that holds it"
        ) from error


def _told(error: BaseException) -> str:
    """An error with its traceback, without the frames of this module and of Python's importing."""
    told = traceback.TracebackException.from_exception(error)
    for one in _chain(told):
        one.stack[:] = [frame for frame in one.stack if _is_users(frame.filename)]
    return "".join(told.format()).rstrip()


def _chain(told: traceback.TracebackException | None) -> Iterator[traceback.TracebackException]:
    """An error, and all that it came from."""
    while told is not None:
        yield told
        yield from _chain(told.__cause__)
        told = told.__context__


def _is_users(file: str) -> bool:
    return not file.startswith(("<frozen importlib", *_IMPORTING))
