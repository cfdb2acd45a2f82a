"""Asking a git server: which commit a branch is at, and for a commit's files.

By dulwich, so that no image needs the program git. Shared by the operator, which asks what a
revision is, and by the containers that fetch it. Belongs here: URLs, the connection, errors as
sentences. Not here: who logs in how (`gitlogin`), when to ask (`immutant_operator.remotes`), what
becomes of the files (`immutant.source`). dulwich is imported when it is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from immutant.errors import ConfigurationError, ImmutantError, SourceUnreachableError
from immutant.gitlogin import Login, Ssh

if TYPE_CHECKING:
    from dulwich.client import GitClient
    from dulwich.objects import ObjectID
    from dulwich.refs import Ref
    from dulwich.repo import Repo
    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["GitServer", "is_commit"]

_COMMIT: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_ABBREVIATED: Final = re.compile(r"[0-9a-f]{7,39}")
_BY_SSH: Final = re.compile(r"(?P<user>[^@/]+)@(?P<host>[^:/]+):(?P<path>.+)")


def is_commit(revision: str) -> bool:
    """Whether a revision is a commit itself, all of its digits."""
    return _COMMIT.fullmatch(revision) is not None


class GitServer:
    """A repository somewhere else."""

    def __init__(self, url: str, login: Login, timeout: float = 15.0) -> None:
        """Name a repository; nothing is asked yet.

        Args:
            url: https://…, http://…, ssh://… or user@host:path.
            login: As whom.
            timeout: Seconds for a connection, and for each answer on it.
        """
        self._url = url
        self._login = login
        self._timeout = timeout
        self._pools: list[_Pool] = []

    def commit_of(self, revision: str) -> str:
        """The commit that a branch or a tag is at now; `HEAD` is the default branch.

        Where branch and tag have one name, it is the branch.

        Raises:
            ConfigurationError: There is no such revision, or the login cannot be meant.
            SourceUnreachableError: The server does not answer, or not with that.
        """
        if is_commit(revision):
            return revision
        places = _places(revision)
        with self._asking():
            client, path = self._client()
            answer = client.get_refs(path.encode(), ref_prefix=[_ref(place) for place in places])
        for place in places:
            for name in (f"{place}^{{}}", place):  # of a tag with a message the commit
                if (found := answer.refs.get(_ref(name))) is not None:
                    return found.decode()
        raise ConfigurationError(self._without(revision))

    def fetch(self, commit: str, revision: str, folder: Path) -> Repo:
        """Fetch a commit, without its history, into a new bare repository.

        A server that gives no commit by its digits gives it with its branch's history.

        Raises:
            ConfigurationError: The commit is not there, or the login cannot be meant.
            SourceUnreachableError: The server does not answer, or not with that.
        """
        from dulwich.errors import GitProtocolError, HangupException
        from dulwich.objects import ObjectID
        from dulwich.repo import Repo

        with ExitStack() as until_failure, self._asking():
            repository = Repo.init_bare(str(folder), mkdir=True)
            until_failure.callback(repository.close)
            try:
                self._fetch(repository, commit, [b"HEAD"], depth=1)
            except (GitProtocolError, HangupException):
                self._fetch(repository, commit, [_ref(one) for one in _places(revision)])
            if ObjectID(commit.encode()) not in repository.object_store:
                raise ConfigurationError(
                    f"{self._url} does not give commit {commit}: it is not there any more, or was "
                    "never pushed; push it, or name another in spec.source.git.revision"
                )
            until_failure.pop_all()
        return repository

    def _fetch(
        self, repository: Repo, commit: str, prefixes: list[bytes], depth: int | None = None
    ) -> None:
        """Fetch the commit itself; without a depth the revision's history."""
        from dulwich.objects import ObjectID

        def wanted(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            return [ObjectID(commit.encode())] if depth else list({*refs.values()})

        client, path = self._client()
        client.fetch(path, repository, wanted, depth=depth, ref_prefix=prefixes)

    def _client(self) -> tuple[GitClient, str]:
        """How to speak to the server, and the repository's path there."""
        found = _BY_SSH.fullmatch(self._url)
        if found and "://" not in self._url:
            return self._by_ssh(found["host"], None, found["user"]), found["path"]
        parts = urlsplit(self._url)
        if parts.scheme == "ssh":
            return self._by_ssh(parts.hostname or "", parts.port, parts.username), parts.path
        return self._by_http(f"{parts.scheme}://{parts.netloc}/"), parts.path

    def _by_http(self, base: str) -> GitClient:
        from dulwich.client import Urllib3HttpGitClient, default_urllib3_manager
        from urllib3 import PoolManager, Retry

        manager = default_urllib3_manager(None, base_url=base, timeout=self._timeout)
        assert isinstance(manager, PoolManager)
        manager.connection_pool_kw["retries"] = Retry(3, connect=0, read=0, redirect=3)
        if self._login.authorities:
            manager.connection_pool_kw["ca_cert_data"] = self._login.authorities
        pool = _Pool(manager)
        self._pools.append(pool)
        user, token = self._login.for_http()
        return Urllib3HttpGitClient(
            base,
            pool_manager=pool,  # type: ignore[arg-type]
            username=user,
            password=token,
            timeout=self._timeout,
        )

    def _by_ssh(self, host: str, port: int | None, user: str | None) -> GitClient:
        from dulwich.client import SSHGitClient

        vendor = Ssh(self._login, self._timeout)
        return SSHGitClient(host, port=port, username=user, vendor=vendor)  # type: ignore[arg-type]

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Whatever goes wrong meanwhile, as a sentence."""
        from dulwich.client import HTTPUnauthorized
        from dulwich.errors import NotGitRepository

        try:
            yield
        except ImmutantError:
            raise
        except HTTPUnauthorized as error:
            raise SourceUnreachableError(
                f"{self._url} does not let the login in; name a Secret with a token that may read "
                "it in spec.source.git.secret"
            ) from error
        except NotGitRepository as error:
            raise SourceUnreachableError(
                f"there is no repository at {self._url}, or it does not show it to this login; "
                "mend spec.source.git.url, or name a Secret in spec.source.git.secret"
            ) from error
        except Exception as error:  # dulwich, urllib3 and paramiko raise what comes to hand
            said = f"{self._url} does not answer as git: {_words(error)}"
            raise SourceUnreachableError(said) from error
        finally:
            while self._pools:
                self._pools.pop().close()

    def _without(self, revision: str) -> str:
        if _ABBREVIATED.fullmatch(revision):
            return (
                f"{self._url} has no branch or tag {revision}; for a commit write all of its 40 "
                "digits in spec.source.git.revision"
            )
        return (
            f"{self._url} has no branch or tag {revision}; push it, or name another in "
            "spec.source.git.revision"
        )


class _Pool:
    """Connections by HTTP that are closed in the end: dulwich leaves those that failed open."""

    def __init__(self, manager: PoolManager) -> None:
        self.headers = manager.headers
        self._manager = manager
        self._answers: list[BaseHTTPResponse] = []

    def request(self, method: str, url: str, **more: Any) -> BaseHTTPResponse:  # noqa: ANN401
        answer = self._manager.request(method, url, **more)
        self._answers.append(answer)
        return answer

    def close(self) -> None:
        for answer in self._answers:
            answer.close()
        self._manager.clear()


_OBJECT: Final = re.compile(r"(<[^<>]* at 0x[0-9a-f]+>|HTTPS?Connection(Pool)?\([^()]*\)): ")


def _words(error: BaseException) -> str:
    """What an error says, without what is another text each time."""
    while isinstance(inner := getattr(error, "reason", None) or error.__cause__, BaseException):
        error = inner
    said = " ".join(_OBJECT.sub("", str(error)).split())
    return said[:200] or type(error).__name__


def _places(revision: str) -> list[str]:
    """The full names that a revision may mean, in the order in which they count."""
    if revision == "HEAD" or revision.startswith("refs/"):
        return [revision]
    if is_commit(revision):
        return ["HEAD", "refs/heads/", "refs/tags/"]
    return [f"refs/heads/{revision}", f"refs/tags/{revision}"]


def _ref(name: str) -> Ref:
    from dulwich.refs import Ref

    return Ref(name.encode())
