"""What an image is made of.

Belongs here: which files a Dockerfile copies, and the build context of these alone. Not here:
building.

Only what is copied decides whether an image is built anew; and a context without the checkout's
other files, compiled modules among them, is small and the same everywhere.
"""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CHECKOUT", "dockerfile", "key", "stage"]

CHECKOUT = Path(__file__).parents[3]
_NOT_SOURCES = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "target")


def dockerfile(name: str) -> Path:
    """The Dockerfile of an image."""
    return CHECKOUT / "images" / name / "Dockerfile"


def stage(name: str, folder: Path) -> None:
    """Copy what the image's Dockerfile copies, and nothing else, into that folder."""
    for source in _copied(dockerfile(name).read_text()):
        origin, target = CHECKOUT / source, folder / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, ignore=_NOT_SOURCES, dirs_exist_ok=True)
        else:
            shutil.copy2(origin, target)


def key(name: str, context: Path, *further: str) -> str:
    """Of all that decides what is built; 16 hexadecimal digits."""
    digest = hashlib.sha256("\0".join([dockerfile(name).read_text(), *further]).encode())
    for file in sorted(context.rglob("*")):
        if file.is_file():
            mode = file.stat().st_mode & 0o111
            digest.update(f"\0{file.relative_to(context)}\0{mode}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _copied(text: str) -> Iterator[str]:
    """The sources of the COPY lines that copy from the context."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not any(word.startswith("--from") for word in words):
            yield from words[1:-1]
