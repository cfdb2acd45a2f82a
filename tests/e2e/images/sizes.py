"""How large an image is.

Belongs here: measuring an archive once. Not here: judging it.
"""

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Sizes", "sizes"]

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Sizes:
    """In bytes: as a node keeps it, and about what a registry transfers (gzip's default level)."""

    uncompressed: int
    compressed: int


def sizes(archive: Path) -> Sizes:
    """The sizes of a docker-archive; kept beside it, since compressing takes seconds."""
    kept = archive.with_suffix(".json")
    if not kept.exists():
        kept.write_text(json.dumps(asdict(_measure(archive))))
    return Sizes(**json.loads(kept.read_text()))


def _measure(archive: Path) -> Sizes:
    compressor = zlib.compressobj()
    compressed = 0
    with archive.open("rb") as file:
        while chunk := file.read(_CHUNK):
            compressed += len(compressor.compress(chunk))
    return Sizes(archive.stat().st_size, compressed + len(compressor.flush()))
