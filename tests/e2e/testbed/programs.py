"""Building the testbed's programs into the cache.

Belongs here: the steps of a build, and where the results lie. Not here: what is built (recipes.py),
and with which Go (toolchain.py).

Each recipe's programs lie in CACHE/programs/NAME-VERSION-HASH. They are built beside it and renamed
as the last step, so that what is there is whole.
"""

import fcntl
import json
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.testbed import toolchain
from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.layout import cache
from tests.e2e.testbed.recipes import RECIPES, Recipe, go_mod, staging_modules

__all__ = ["build", "folders", "program"]


def folders() -> list[Path]:
    """The folders with the programs, for a PATH."""
    return [_folder(recipe) for recipe in RECIPES]


def program(name: str) -> Path:
    """Where the program of this name is.

    Raises:
        TestbedError: It has not been built.
    """
    for folder in folders():
        if (folder / name).exists():
            return folder / name
    raise TestbedError(f"{name} has not been built; run `python -m tests.e2e.testbed build`")


def build(*names: str) -> list[str]:
    """Build what is not in the cache.

    Args:
        names: Of recipes; none for all of them.

    Returns:
        The names of what was built now.

    Raises:
        TestbedError: There is no Go that can build them, or Go failed.
    """
    if not _missing(names):
        return []
    with _alone():
        missing = _missing(names)
        if not missing:
            return []
        go = toolchain.find()
        for recipe in missing:
            _build(recipe, go)
    return [recipe.name for recipe in missing]


def _missing(names: Collection[str]) -> list[Recipe]:
    wanted = [recipe for recipe in RECIPES if not names or recipe.name in names]
    return [recipe for recipe in wanted if not _folder(recipe).exists()]


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process builds: two of them would remove each other's half-made work."""
    folder = cache() / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _folder(recipe: Recipe) -> Path:
    return cache() / "programs" / recipe.key


def _build(recipe: Recipe, go: toolchain.Go) -> None:
    target = _folder(recipe)
    _remove_interrupted(target)
    print(f"building {recipe.name} {recipe.version} (once, into {target})", flush=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    _compile(recipe, work, go)
    (work / "bin").rename(target)
    shutil.rmtree(work)


def _remove_interrupted(target: Path) -> None:
    for work in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(work)


def _compile(recipe: Recipe, work: Path, go: toolchain.Go) -> None:
    replaces = {**recipe.replaces, **_staging(recipe, go)}
    (work / "go.mod").write_text(go_mod(recipe, replaces))
    what = "tool"
    if recipe.source:
        (work / "main.go").write_text(recipe.source)
        what = "."
    else:
        tools = [f"{package}@v{recipe.version}" for package in recipe.packages]
        go.run(["get", "-tool", *tools], work)
    (work / "bin").mkdir()
    options = ["-trimpath", "-ldflags", recipe.linker_flags, "-o", "bin/"]
    go.run(["build", *options, what], work)


def _staging(recipe: Recipe, go: toolchain.Go) -> dict[str, str]:
    if not recipe.staging:
        return {}
    module = f"{recipe.staging}@v{recipe.version}"
    with tempfile.TemporaryDirectory() as nowhere:
        found = json.loads(go.run(["mod", "download", "-json", module], Path(nowhere)))
    return staging_modules(Path(found["GoMod"]).read_text(), recipe.version)
