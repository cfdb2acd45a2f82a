"""Building the testbed's programs into the cache.

Belongs here: running Go, and where the results lie. Not here: what is built (recipes.py).

Each recipe's programs lie in CACHE/programs/NAME-VERSION-HASH. They are built beside it and renamed
as the last step, so that what is there is whole.
"""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.testbed import machine
from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.layout import cache
from tests.e2e.testbed.recipes import GO, RECIPES, Recipe, go_mod, newer_or_same, staging_modules

__all__ = ["build", "folders", "program"]

_OLDEST_THAT_FETCHES = (1, 21)
"""Since this version Go fetches the toolchain that a module asks for (GOTOOLCHAIN)."""


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


def build() -> list[str]:
    """Build what is not in the cache.

    Returns:
        The names of what was built now.

    Raises:
        TestbedError: There is no Go that can build them, or Go failed.
    """
    if not _missing():
        return []
    with _alone():
        missing = _missing()
        toolchain = _toolchain() if missing else {}
        for recipe in missing:
            _build(recipe, toolchain)
    return [recipe.name for recipe in missing]


def _missing() -> list[Recipe]:
    return [recipe for recipe in RECIPES if not _folder(recipe).exists()]


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


def _build(recipe: Recipe, toolchain: Mapping[str, str]) -> None:
    target = _folder(recipe)
    _remove_interrupted(target)
    print(f"building {recipe.name} {recipe.version} (once, into {target})", flush=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    _compile(recipe, work, toolchain)
    (work / "bin").rename(target)
    shutil.rmtree(work)


def _remove_interrupted(target: Path) -> None:
    for work in target.parent.glob(f".{target.name}.*"):
        shutil.rmtree(work)


def _compile(recipe: Recipe, work: Path, toolchain: Mapping[str, str]) -> None:
    replaces = {**recipe.replaces, **_staging(recipe, toolchain)}
    (work / "go.mod").write_text(go_mod(recipe, replaces))
    what = "tool"
    if recipe.source:
        (work / "main.go").write_text(recipe.source)
        what = "."
    else:
        tools = [f"{package}@v{recipe.version}" for package in recipe.packages]
        _go(["get", "-tool", *tools], work, toolchain)
    (work / "bin").mkdir()
    options = ["-trimpath", "-ldflags", recipe.linker_flags, "-o", "bin/"]
    _go(["build", *options, what], work, toolchain)


def _staging(recipe: Recipe, toolchain: Mapping[str, str]) -> dict[str, str]:
    if not recipe.staging:
        return {}
    module = f"{recipe.staging}@v{recipe.version}"
    with tempfile.TemporaryDirectory() as nowhere:
        found = json.loads(_go(["mod", "download", "-json", module], Path(nowhere), toolchain))
    return staging_modules(Path(found["GoMod"]).read_text(), recipe.version)


def _go(arguments: Sequence[str], folder: Path, toolchain: Mapping[str, str]) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", **toolchain}
    ended = subprocess.run(
        ["go", *arguments], cwd=folder, env=environment, text=True, capture_output=True, check=False
    )
    if ended.returncode:
        last = "\n".join(ended.stderr.splitlines()[-20:])
        raise TestbedError(f"`go {' '.join(arguments)}` failed:\n{last}")
    return ended.stdout


def _toolchain() -> dict[str, str]:
    """What the environment must say for Go to be new enough."""
    if shutil.which("go") is None:
        print("there is no Go here; installing Debian's package golang-go", flush=True)
        machine.install(["golang-go"])
    version = subprocess.check_output(["go", "env", "GOVERSION"], text=True).strip()
    if newer_or_same(version, GO):
        return {}
    needed = ".".join(map(str, GO))
    if not newer_or_same(version, _OLDEST_THAT_FETCHES):
        raise TestbedError(
            f"the Go on the PATH is {version} and too old to fetch a newer one by itself; "
            f"put Go {needed} or newer on the PATH"
        )
    print(f"{version} is older than {needed}; it will fetch the toolchain as a module", flush=True)
    return {"GOTOOLCHAIN": f"go{needed}.0+auto"}
