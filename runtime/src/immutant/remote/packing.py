"""A tree of files as one archive: a tar, compressed by xz, the same bytes for the same tree.

Belongs here: the format, its limits, and what a tree must have. Not here: where the files come from
(`gittree`, `folder`) and where the archive goes (`archive`).
"""

import io
import lzma
import posixpath
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from immutant.contract.entrypoints import candidates
from immutant.errors import ConfigurationError, ValueRefusedError
from immutant.remote.amounts import sized

__all__ = [
    "LARGEST",
    "LARGEST_TREE",
    "MOST_FILES",
    "Entry",
    "File",
    "Link",
    "check_entrypoint",
    "check_size",
    "pack",
]

LARGEST: Final = 8 << 20
"""Bytes of an archive: ten ConfigMaps, and five times that for the revisions that are kept, in an
etcd whose own limit is 2 GiB for the whole cluster."""

LARGEST_TREE: Final = 128 << 20
"""Bytes of all files together: they are packed in memory, and unpacked in each pod."""

MOST_FILES: Final = 20_000
"""Files and links: pods unpack no more (`immutant.source.tree`)."""


@dataclass(frozen=True, slots=True)
class File:
    """A file: its path, with slashes and relative to the tree, and what is in it."""

    path: str
    content: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link: its path, and what it points to."""

    path: str
    target: str


Entry = File | Link


def pack(entries: Iterable[Entry], moment: int) -> bytes:
    """The archive of a tree.

    Args:
        entries: The files and links, in any order.
        moment: The time of all files, in seconds since 1970. Not their own, which differ between
            checkouts; and not 0, because web servers tell versions of a static file apart by it.

    Raises:
        ValueRefusedError: A link leads out of the tree, or the archive is too large.
    """
    ordered = sorted(entries, key=lambda one: one.path)
    whole = io.BytesIO()
    with (
        lzma.open(whole, "wb", preset=6) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for entry in ordered:
            _add(tar, entry, moment)
    packed = whole.getvalue()
    if len(packed) > LARGEST:
        files = [(one.path, len(one.content)) for one in ordered if isinstance(one, File)]
        raise _too_large(f"the source has {sized(len(packed))} compressed", sized(LARGEST), files)
    return packed


def _add(tar: tarfile.TarFile, entry: Entry, moment: int) -> None:
    member = tarfile.TarInfo(entry.path)
    member.mtime = moment
    if isinstance(entry, Link):
        _check_link(entry)
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.target, 0o777
        tar.addfile(member)
        return
    member.mode = 0o755 if entry.executable else 0o644
    member.size = len(entry.content)
    tar.addfile(member, io.BytesIO(entry.content))


def _check_link(link: Link) -> None:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target))
    if link.target.startswith("/") or target == ".." or target.startswith("../"):
        raise ValueRefusedError(
            f"the link {link.path} leads out of the source, to {link.target}, which the pods do "
            "not have; let it be a file, or leave it out by .immutantignore"
        )


def check_size(files: Sequence[tuple[str, int]]) -> None:
    """Refuse a tree before it is read.

    Args:
        files: Paths and bytes.

    Raises:
        ValueRefusedError: It is too large.
    """
    total = sum(size for _, size in files)
    if len(files) > MOST_FILES:
        raise _too_large(f"the source has {len(files)} files", str(MOST_FILES), files)
    if total > LARGEST_TREE:
        raise _too_large(f"the source has {sized(total)}", sized(LARGEST_TREE), files)


def _too_large(what: str, limit: str, files: Iterable[tuple[str, int]]) -> ValueRefusedError:
    largest = sorted(files, key=lambda one: -one[1])[:3]
    named = ", ".join(f"{path} ({sized(size)})" for path, size in largest)
    return ValueRefusedError(
        f"{what}, and at most {limit} can be pushed; leave out what the app does not need "
        f"by .immutantignore (the largest: {named}), or build an image with the code and name it "
        "in spec.image, or let the pods fetch the repository by spec.source.git"
    )


def check_entrypoint(entries: Iterable[Entry], entrypoint: str, app: str) -> None:
    """Refuse a tree that lacks the file of the app.

    Args:
        entries: The tree.
        entrypoint: `spec.entrypoint`, such as `app:app` or `web/main.py:app`.
        app: The app's name, for the sentence.

    Raises:
        ConfigurationError: No file is what the entrypoint names.
    """
    wanted = candidates(entrypoint)
    there = {one.path for one in entries}
    if there.isdisjoint(wanted):
        raise ConfigurationError(
            f"the source has no {wanted[0]}, which the entrypoint {entrypoint} of {app} names; add "
            "the file, or name the one that has your App: kubectl patch immutantapp "
            f"""{app} --type merge -p '{{"spec":{{"entrypoint":"main:app"}}}}'"""
        )
