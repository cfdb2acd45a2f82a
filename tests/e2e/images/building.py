"""Building all images, each once.

Belongs here: the order, the cache, and what is kept. Not here: how one is built (engines.py).

Each archive lies in CACHE/images/NAME-KEY.tar, where KEY tells all that the image is made of. It is
written beside that and renamed as the last step, so that what is there is whole.
"""

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.images import context, sources
from tests.e2e.images.base import base_tag, make_base
from tests.e2e.images.engines import Engine, engine
from tests.e2e.testbed.layout import cache

__all__ = ["NAMES", "build_all", "clean"]

NAMES = ("member", "runtime", "router", "operator")

_KEPT = 3
"""Archives of an image that are kept, the newest; an older one may be a testbed's at work."""

_MOST_LAYERS = 12 << 30
"""Bytes of layers; all images built once have about a third of that."""


@dataclass(frozen=True, slots=True)
class _Image:
    """One image to build: its context, and where its archive belongs."""

    name: str
    context: Path
    archive: Path

    @property
    def tag(self) -> str:
        """As the testbed's nodes know it."""
        return f"localhost/immutant-{self.name}:dev"


def build_all() -> dict[str, Path]:
    """The docker-archive of each image, by name; built now if it is not there.

    BASE in the environment names another base than the one that debootstrap makes.

    Raises:
        TestbedError: This machine cannot build them, or a build failed.
    """
    with _locked() as folder, _temporary(folder) as temporary:
        images = [_image(name, temporary, folder) for name in NAMES]
        missing = [image for image in images if not image.archive.exists()]
        if missing:
            _build(missing, folder, temporary)
        for image in images:
            _forget_old(image.name, folder)
    return {image.name: image.archive for image in images}


def clean() -> None:
    """Remove all that building has kept."""
    with _locked() as folder:
        if (folder / "storage").exists():
            engine(folder)  # Ends what an interrupted build left mounted.
        shutil.rmtree(folder)


def _image(name: str, temporary: Path, folder: Path) -> _Image:
    staged = temporary / name
    staged.mkdir()
    context.stage(name, staged)
    key = context.key(name, staged, os.environ.get("BASE") or base_tag(), _version())
    return _Image(name, staged, folder / f"{name}-{key}.tar")


def _build(images: list[_Image], folder: Path, temporary: Path) -> None:
    _forget_layers(folder)
    builder = engine(folder)
    base = os.environ.get("BASE") or make_base(builder, folder)
    told = temporary / "secrets"
    told.mkdir()
    secrets = sources.secrets(told)
    arguments = {"BASE": base, "VERSION": _version()}
    for image in images:
        print(f"building {image.tag}", flush=True)
        file = context.dockerfile(image.name)
        builder.build(file, image.context, image.tag, arguments, secrets)
        _save(builder, image, temporary)


def _save(builder: Engine, image: _Image, temporary: Path) -> None:
    unfinished = temporary / image.archive.name
    builder.save(image.tag, unfinished)
    unfinished.rename(image.archive)


def _forget_old(name: str, folder: Path) -> None:
    archives = sorted(folder.glob(f"{name}-*.tar"), key=lambda path: path.stat().st_mtime)
    for archive in archives[:-_KEPT]:
        archive.unlink()
        archive.with_suffix(".json").unlink(missing_ok=True)


def _forget_layers(folder: Path) -> None:
    """Begin the engine's storage anew once it has grown: it never forgets a layer by itself."""
    files = (path.lstat().st_size for path in (folder / "storage").rglob("*") if path.is_file())
    if sum(files) > _MOST_LAYERS:
        engine(folder)  # Ends what an interrupted build left mounted.
        shutil.rmtree(folder / "storage")


def _version() -> str:
    text = (context.CHECKOUT / "runtime/src/immutant/_version.py").read_text()
    found = re.search(r'__version__ = "(.+)"', text)
    assert found
    return found[1]


@contextlib.contextmanager
def _locked() -> Iterator[Path]:
    """The folder of the images, to one builder at a time."""
    folder = cache() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with (cache() / "images.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob("unfinished-*"):
            shutil.rmtree(left)
        yield folder


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as temporary:
        yield Path(temporary)
