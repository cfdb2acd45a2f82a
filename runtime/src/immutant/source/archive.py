"""A source from an archive: parts joined, compared with their digest, opened.

Belongs here: tar and xz. Not here: who packs it (`immutant.remote`), writing the files (`tree`).
"""

import hashlib
import io
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from immutant.contract.sourcing import Archive
from immutant.errors import ConfigurationError
from immutant.source.tree import Entry, Limits

__all__ = ["entries", "joined"]

_HEADERS: Final = 64 << 20
"""Bytes beside the files: what says how they are called. Such a header is read as a whole."""


def joined(archive: Archive, folder: Path) -> bytes:
    """The archive, from the files of its parts.

    Raises:
        ConfigurationError: A part is missing, or they are not what they should be.
    """
    data = b"".join(_part(archive, number, folder) for number in range(len(archive.parts)))
    found = hashlib.sha256(data).hexdigest()
    if found != archive.sha256:
        raise ConfigurationError(
            f"the parts {', '.join(archive.parts)} together have the sha256 {found} and not "
            f"{archive.sha256}, as spec.source.archive says: one was changed, or the order is "
            "wrong; push the source again"
        )
    return data


def _part(archive: Archive, number: int, folder: Path) -> bytes:
    try:
        return (folder / f"{number:02}").read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"part {number + 1} of {len(archive.parts)} of the source is missing: there is no "
            f"ConfigMap {archive.parts[number]} with a key `part` in binaryData; push the source "
            "again"
        ) from error


def entries(data: bytes, limits: Limits | None = None) -> Iterator[Entry]:
    """The files and links of an archive, one after the other; each is to be read before the next.

    Raises:
        ConfigurationError: It is no such archive, or has what is neither file, folder nor link.
    """
    most = (limits or Limits()).size + _HEADERS
    try:
        with lzma.open(io.BytesIO(data)) as plain:
            tar = tarfile.open(fileobj=_Bounded(plain, most), mode="r|")  # noqa: SIM115
            for member in tar:
                if not member.isdir():
                    yield _entry(tar, member)
                tar.members.clear()  # type: ignore[attr-defined]  # else all are kept
    except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
        raise ConfigurationError(
            f"the source's archive cannot be read ({error}); it must be a tar compressed by xz: "
            "push the source again"
        ) from error


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    if member.issym():
        return Entry(member.name, None, target=member.linkname)
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise ConfigurationError(
            f"{member.name} in the source's archive is neither file, folder nor symbolic link; "
            "pack it again without"
        )
    return Entry(member.name, content, executable=bool(member.mode & 0o100))


class _Bounded(io.RawIOBase):
    """A stream of which no more than so much is read: a small archive may unpack to a huge one."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream = stream
        self._left = self._most = most

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise ConfigurationError(
                f"the source unpacks to more than {self._most >> 20} MiB; leave out what the "
                "application does not need, or build an image (spec.image)"
            )
        return data
