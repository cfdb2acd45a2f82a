"""Python files that cannot be compiled, found before anything is stored.

Belongs here: what surely keeps an application from being imported, and is refused, and what may
never be imported, and is told. Not here: other faults of a tree (`packing`).
"""

import ast
import posixpath
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from immutant.contract.entrypoints import candidates
from immutant.errors import ConfigurationError
from immutant.remote.packing import Entry, File

__all__ = ["IMAGE_PYTHON", "check"]

IMAGE_PYTHON: Final = (3, 11)
"""The Python of the runtime image. Newer ones take all that it takes; an older one on this machine
does not know what it takes, and is not asked."""

_MOST: Final = 5
"""Files that are told of."""


def check(
    entries: Iterable[Entry], entrypoint: str, python: tuple[int, int] = sys.version_info[:2]
) -> list[str]:
    """Refuse a tree whose application cannot be imported, whatever else is right.

    Args:
        entries: The tree.
        entrypoint: `spec.entrypoint`.
        python: The Python that compiles here.

    Returns:
        A sentence for each other file that cannot be compiled: it may be imported later, or never.

    Raises:
        ConfigurationError: The application's file, or one that it imports as its first thing,
            cannot be compiled.
    """
    if python < IMAGE_PYTHON:
        return []
    files = {
        one.path: one.content
        for one in entries
        if isinstance(one, File) and one.path.endswith(".py")
    }
    faults = {path: fault for path, content in files.items() if (fault := _fault(path, content))}
    if not faults:
        return []
    needed = _Imports(files, faults).needed(entrypoint) & set(faults)
    if needed:
        said = "; ".join(faults[path] for path in sorted(needed))
        raise ConfigurationError(f"the application cannot be imported: {said}; mend it first")
    told = [f"{fault}; what imports it will fail" for fault in faults.values()]
    more = [f"and {len(told) - _MOST} more files like these"] if len(told) > _MOST else []
    return told[:_MOST] + more


def _fault(path: str, content: bytes) -> str:
    """Why a file cannot be compiled; "": it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(content, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = f": {error.text.strip()}" if error.text else ""
        return f"{path}, line {error.lineno or 1}: {error.msg}{text}"
    except ValueError as error:  # a null byte, before Python 3.12
        return f"{path}: {error}"
    except (MemoryError, RecursionError):  # of this process, which says nothing of the pod's
        return ""
    return ""


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of the tree: its name, its file, and the package that it is in."""

    name: str
    path: str
    package: str


class _Imports:
    """Which files are imported for certain: by import statements that nothing guards."""

    def __init__(self, files: Mapping[str, bytes], faults: Mapping[str, str]) -> None:
        self._files = files
        self._faults = faults
        self._roots = ["", "src/"]

    def needed(self, entrypoint: str) -> set[str]:
        """The paths of all files that the application imports for certain."""
        waiting, seen = list(self._first(entrypoint)), set[str]()
        while waiting:
            module = waiting.pop()
            if module.path in seen:
                continue
            seen.add(module.path)
            if module.path not in self._faults:
                waiting += self._imported(module)
        return seen

    def _first(self, entrypoint: str) -> Iterator[_Module]:
        target = entrypoint.partition(":")[0]
        if not target.endswith(".py") and "/" not in target:
            yield from self._modules(target)
            return
        (path,) = candidates(entrypoint)
        folder = posixpath.dirname(path)
        self._roots = [f"{folder}/" if folder else "", "src/"]
        if path in self._files:
            yield _Module(posixpath.basename(path).removesuffix(".py"), path, "")

    def _modules(self, name: str) -> Iterator[_Module]:
        """What is imported with a dotted name: the packages that it is in, and then it."""
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            yield from self._module(".".join(parts[:count]))

    def _module(self, name: str) -> Iterator[_Module]:
        parent, path = name.rpartition(".")[0], name.replace(".", "/")
        for root in self._roots:
            for file, package in ((f"{path}/__init__.py", name), (f"{path}.py", parent)):
                if root + file in self._files:
                    yield _Module(name, root + file, package)
                    return

    def _imported(self, module: _Module) -> Iterator[_Module]:
        try:
            body = ast.parse(self._files[module.path]).body
        except (MemoryError, RecursionError):
            return
        for statement in body:
            if isinstance(statement, ast.Import):
                for one in statement.names:
                    yield from self._named(one.name)
            elif isinstance(statement, ast.ImportFrom):
                base = _base(statement, module.package)
                yield from self._named(base)
                for one in statement.names:
                    yield from self._member(base, one.name)

    def _named(self, name: str) -> Iterator[_Module]:
        if name and name.partition(".")[0] not in sys.stdlib_module_names:
            yield from self._modules(name)

    def _member(self, package: str, name: str) -> Iterator[_Module]:
        """What `from package import name` imports, unless the package may define that itself."""
        (own,) = list(self._module(package)) or (None,)
        if package and (own is None or name.encode() not in self._files[own.path]):
            yield from self._named(f"{package}.{name}")


def _base(statement: ast.ImportFrom, package: str) -> str:
    """The name of what is imported from; "": it is not known."""
    if not statement.level:
        return statement.module or ""
    parts = package.split(".") if package else []
    up = parts[: len(parts) - statement.level + 1]
    return ".".join([*up, *filter(None, [statement.module])]) if up else ""
