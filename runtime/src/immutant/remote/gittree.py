"""What git has: a commit, and the files of its tree.

Belongs here: asking the program git, in the repository that GIT_DIR or the working folder names.
The files are those of the commit as they are stored, whatever lies in the working tree and whatever
`.gitattributes` says of archives. Not here: packing them.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from immutant.errors import ConfigurationError, ValueRefusedError
from immutant.remote.ignoring import IGNORE_FILE, Rules
from immutant.remote.packing import Entry, File, Link, check_size

__all__ = ["Commit", "commit", "follows", "has", "tree"]

_SUBMODULE: Final = "160000"
_LINK: Final = "120000"
_EXECUTABLE: Final = "100755"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit.

    Attributes:
        digest: Its name.
        subject: The first line of its message.
        author: Who wrote it, `Name <address>`.
        moment: When it was committed, in seconds since 1970.
    """

    digest: str
    subject: str
    author: str
    moment: int


def commit(name: str) -> Commit:
    """The commit that a branch, a tag or a digest names.

    Raises:
        ConfigurationError: It names none.
    """
    form = "--format=%H%x00%s%x00%an <%ae>%x00%ct"
    said = _git("show", "-s", "--no-show-signature", "--encoding=UTF-8", form, f"{name}^{{commit}}")
    digest, subject, author, moment = said.decode(errors="replace").strip().split("\0")
    return Commit(digest, subject, author, int(moment))


def has(digest: str) -> bool:
    """Whether this repository has a commit."""
    return _answers("cat-file", "-e", f"{digest}^{{commit}}")


def follows(later: str, former: str) -> bool:
    """Whether one commit is another, or a successor of it."""
    return _answers("merge-base", "--is-ancestor", former, later)


def tree(digest: str) -> list[Entry]:
    """The files and links of a commit, without those that its `.immutantignore` names.

    Raises:
        ValueRefusedError: There is too much, or a submodule.
        ConfigurationError: An `.immutantignore` has a line that is no pattern.
    """
    blobs = list(_blobs(digest))
    rules = _rules(blobs)
    kept = [one for one in blobs if not rules.hide(one.path)]
    check_size([(one.path, one.size) for one in kept])
    for one in kept:
        if one.mode == _SUBMODULE:
            raise ValueRefusedError(
                f"{one.path} is a submodule, and its files are not in the commit; put them there "
                "(git subtree), or build an image with the code and name it in spec.image, or "
                "leave it out by .immutantignore"
            )
    contents = _contents([one.blob for one in kept])
    return [_entry(one, content) for one, content in zip(kept, contents, strict=True)]


@dataclass(frozen=True, slots=True)
class _Blob:
    path: str
    mode: str
    blob: str
    size: int


def _blobs(digest: str) -> Iterator[_Blob]:
    for line in _git("ls-tree", "-r", "-z", "-l", "--full-tree", digest).split(b"\0"):
        if line:
            facts, _, path = line.partition(b"\t")
            mode, _, blob, size = facts.decode().split()
            yield _Blob(os.fsdecode(path), mode, blob, 0 if size == "-" else int(size))


def _rules(blobs: list[_Blob]) -> Rules:
    rules = Rules()
    found = [one for one in blobs if one.path.rpartition("/")[2] == IGNORE_FILE]
    for one, content in zip(found, _contents([one.blob for one in found]), strict=True):
        rules.add(one.path.rpartition("/")[0], content.decode(errors="replace"))
    return rules


def _contents(blobs: list[str]) -> list[bytes]:
    said = _git("cat-file", "--batch", stdin="".join(f"{one}\n" for one in blobs).encode())
    contents, at = [], 0
    for _ in blobs:
        head = said.index(b"\n", at)
        size = int(said[at:head].split()[-1])
        contents.append(said[head + 1 : head + 1 + size])
        at = head + size + 2
    return contents


def _entry(blob: _Blob, content: bytes) -> Entry:
    if blob.mode == _LINK:
        return Link(blob.path, os.fsdecode(content))
    return File(blob.path, content, blob.mode == _EXECUTABLE)


def _run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)  # noqa: S603


def _answers(*arguments: str) -> bool:
    return _run(*arguments).returncode == 0


def _git(*arguments: str, stdin: bytes = b"") -> bytes:
    done = _run(*arguments, stdin=stdin)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise ConfigurationError(f"git {arguments[0]} failed: {said}")
    return done.stdout
