"""A source from a commit of a git repository.

Belongs here: the files of a commit as entries. Not here: reaching the server
(`immutant.gitserver`), writing the files (`tree`).
"""

from __future__ import annotations

import io
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from immutant.contract.sourcing import GitCommit
from immutant.errors import ConfigurationError
from immutant.gitlogin import Login
from immutant.gitserver import GitServer
from immutant.source.tree import Entry

if TYPE_CHECKING:
    from dulwich.objects import Tree
    from dulwich.repo import Repo

__all__ = ["entries"]

_SUBMODULE: Final = 0o160000


def entries(origin: GitCommit, login: Login) -> Iterator[Entry]:
    """The files and links of a commit. Submodules are empty, as after `git clone`.

    Raises:
        ConfigurationError: The commit, or the folder in it, is not there.
        SourceUnreachableError: The server does not give it now.
    """
    scratch = Path(tempfile.mkdtemp(prefix="repository-"))
    try:
        server = GitServer(origin.url, login)
        with server.fetch(origin.commit, origin.revision, scratch / "repository") as repository:
            yield from _walk(repository, _tree(repository, origin), "")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tree(repository: Repo, origin: GitCommit) -> Tree:
    from dulwich.objects import Commit, Tree

    commit = repository[origin.commit.encode()]
    found = repository[commit.tree] if isinstance(commit, Commit) else commit
    for name in filter(None, origin.path.split("/")):
        if isinstance(found, Tree) and name.encode() in found:
            found = repository[found[name.encode()][1]]
        else:
            found = commit
    if not isinstance(found, Tree):
        raise ConfigurationError(
            f"commit {origin.commit[:10]} of {origin.url} has no folder {origin.path or '/'}; mend "
            "spec.source.git.path"
        )
    return found


def _walk(repository: Repo, tree: Tree, within: str) -> Iterator[Entry]:
    from dulwich.objects import Blob, Tree

    for item in tree.iteritems():
        path = within + item.path.decode(errors="surrogateescape")
        if item.mode == _SUBMODULE:
            continue
        found = repository[item.sha]
        if isinstance(found, Tree):
            yield from _walk(repository, found, f"{path}/")
        elif isinstance(found, Blob) and stat.S_ISLNK(item.mode):
            yield Entry(path, None, target=found.data.decode(errors="surrogateescape"))
        elif isinstance(found, Blob):
            yield Entry(path, io.BytesIO(found.data), executable=bool(item.mode & 0o100))
