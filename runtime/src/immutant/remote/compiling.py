"""Python files that cannot be compiled, found before anything is stored.

Belongs here: what keeps an application from being imported, as far as its import statements tell,
and is refused; and what may never be imported, and is told. Not here: other faults of a tree
(`packing`).
"""

import ast
import posixpath
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

_OPENING: Final = re.compile(rb"import\s*\*|__getattr__|globals|setattr|__path__|sys\.modules")
"""By these a module may have names, or be found in places, that do not stand in it."""


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
        ConfigurationError: The application's file cannot be compiled, or one that it imports
            whenever it is imported itself.
    """
    if python < IMAGE_PYTHON:
        return []
    files = {
        one.path: _read(one)
        for one in entries
        if isinstance(one, File) and one.path.endswith(".py")
    }
    faults = {path: file.fault for path, file in files.items() if file.fault}
    if not faults:
        return []
    if needed := _Imports(files).needed(entrypoint) & set(faults):
        said = "; ".join(faults[path] for path in sorted(needed))
        raise ConfigurationError(f"the application cannot be imported: {said}; mend it first")
    told = [f"{fault}; what imports it will fail" for fault in faults.values()]
    more = [f"{len(told) - _MOST} more files like these"] if len(told) > _MOST else []
    return told[:_MOST] + more


@dataclass(frozen=True, slots=True)
class _Source:
    """What is known of a file.

    Attributes:
        fault: Why it cannot be compiled; "": it can.
        imports: Its import statements outside any other statement.
        content: Its text, if it can be compiled.
        is_open: Whether it may have names that do not stand in it.
    """

    fault: str = ""
    imports: Sequence[ast.Import | ast.ImportFrom] = ()
    content: bytes = b""
    is_open: bool = False

    def may_define(self, name: str) -> bool:
        """Whether it may have something of this name that is no module of its own."""
        return self.is_open or name.encode() in self.content


def _read(file: File) -> _Source:
    path, content = file.path, file.content
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(content, path)
            compile(tree, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = f": {error.text.strip()}" if error.text else ""
        return _Source(f"{path}, line {error.lineno or 1}: {error.msg}{text}")
    except ValueError as error:  # a null byte, before Python 3.12
        return _Source(f"{path}: {error}")
    except (MemoryError, RecursionError):  # of this process, which says nothing of the pod's
        return _Source(content=content, is_open=True)
    imports = [one for one in tree.body if isinstance(one, ast.Import | ast.ImportFrom)]
    return _Source("", imports, content, _OPENING.search(content) is not None)


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of the tree: its name, its file, and the package that it is in."""

    name: str
    path: str
    package: str


class _Imports:
    """Which files are imported whenever the application is: by statements that nothing guards."""

    def __init__(self, files: Mapping[str, _Source]) -> None:
        self._files = files
        self._roots = ["", "src/"]

    def needed(self, entrypoint: str) -> set[str]:
        """The paths of all files that the application cannot do without."""
        waiting, seen = list(self._first(entrypoint)), set[str]()
        while waiting:
            module = waiting.pop()
            if module.path in seen:
                continue
            seen.add(module.path)
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
        for statement in self._files[module.path].imports:
            if isinstance(statement, ast.Import):
                for one in statement.names:
                    yield from self._named(one.name)
            else:
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
        if package and not (own and self._files[own.path].may_define(name)):
            yield from self._named(f"{package}.{name}")


def _base(statement: ast.ImportFrom, package: str) -> str:
    """The name of what is imported from; "": it is not known."""
    if not statement.level:
        return statement.module or ""
    parts = package.split(".") if package else []
    up = parts[: len(parts) - statement.level + 1]
    return ".".join([*up, *filter(None, [statement.module])]) if up else ""
