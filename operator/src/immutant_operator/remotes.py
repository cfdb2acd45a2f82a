"""The commit that each app's branch or tag is at, asked for again and again.

Who looks at an app is told at once what is known. A server is asked beside that, in a thread of its
own, and may be slow, hang, or be gone: neither the loop nor another app waits for it. What is new
brings the app into the queue. Belongs here: when to ask, what is remembered; losing it costs a
request. Not here: git (`immutant.gitserver`), the Secret (`logins`), what follows (`reconciler`).
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from immutant.errors import ConfigurationError, ImmutantError
from immutant.gitlogin import Login
from immutant.gitserver import GitServer, is_commit
from immutant_operator.api import ApiError
from immutant_operator.errors import AppError, SourceMissingError, SourceUnreachableError
from immutant_operator.registry import Key
from immutant_operator.spec.source import GitSource

__all__ = ["Known", "Remotes"]

_FIRST: Final = 3.0
"""Seconds that the first look at a source waits for its answer: mostly there is one by then."""

_LONGEST: Final = 30.0
"""Seconds after which a server that answers slowly, byte by byte, is given up."""

_AT_ONCE: Final = 16
"""Servers that are asked at a time."""

_PATIENCE: Final = 2
"""Failures in a row from which on it is told, where a commit is known to go on with."""

GetLogin: TypeAlias = Callable[[], Awaitable[Login]]
Ask: TypeAlias = Callable[[GitSource, Login], str]


class Known(NamedTuple):
    """What is known of a source.

    Attributes:
        commit: What its revision is at; None: that was never told.
        trouble: Why that is not known, or not up to date; None: there is no trouble.
        again: Seconds until the server is asked again; None: it is not asked.
    """

    commit: str | None
    trouble: AppError | None = None
    again: float | None = None


def _ask(git: GitSource, login: Login) -> str:
    return GitServer(git.url, login).commit_of(git.revision)


@dataclass(slots=True, eq=False)
class _Remote:
    """One app's repository; it is busy while a thread asks it."""

    git: GitSource
    commit: str | None = None
    trouble: AppError | None = None
    failures: int = 0
    asked: float = float("-inf")
    asking: asyncio.Task[None] | None = None
    busy: bool = False

    @property
    def told(self) -> tuple[str | None, str]:
        """What looks are told: it is news when it is another."""
        is_told = self.commit is None or self.failures >= _PATIENCE
        return self.commit, str(self.trouble or "") if is_told else ""


class Remotes:
    """What is known of the repositories of all apps."""

    def __init__(
        self,
        tell: Callable[[Key], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        ask: Ask = _ask,
    ) -> None:
        """Know nothing yet.

        Args:
            tell: Called with an app of which something is new.
            clock: Seconds that only grow.
            ask: Asks a server for a commit; it is called in a thread.
        """
        self._tell = tell
        self._clock = clock
        self._ask = ask
        self._remotes: dict[Key, _Remote] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def look(self, key: Key, git: GitSource, login: GetLogin) -> Known:
        """What is known of an app's source now; a server whose time has come is asked beside.

        Args:
            key: The app.
            git: Its source.
            login: Gets the login, when it is needed.
        """
        if is_commit(git.revision):
            self.forget(key)
            return Known(git.revision)
        remote = self._remote(key, git)
        if remote.asking is None and self._clock() - remote.asked >= git.period:
            remote.asking = asyncio.create_task(self._learn(key, remote, login))
        if remote.told == (None, "") and remote.asking is not None:
            await asyncio.wait({remote.asking}, timeout=_FIRST)
        again = max(1.0, remote.asked + git.period - self._clock())
        commit, sentence = remote.told
        if commit is None and not sentence:
            asked = f"{git.url} has not said yet at which commit {git.revision} is"
            return Known(None, SourceUnreachableError(asked), again)
        return Known(commit, remote.trouble if sentence else None, again)

    def forget(self, key: Key) -> None:
        """Forget an app."""
        remote = self._remotes.pop(key, None)
        if remote is not None and remote.asking is not None:
            remote.asking.cancel()

    def _remote(self, key: Key, git: GitSource) -> _Remote:
        known = self._remotes.get(key)
        if known is not None and _question(known.git) == _question(git):
            known.git = git
            return known
        self.forget(key)
        made = self._remotes[key] = _Remote(git)
        return made

    async def _learn(self, key: Key, remote: _Remote, login: GetLogin) -> None:
        before = remote.told
        try:
            async with self._turns:
                remote.commit = await self._answer(remote, login)
            remote.trouble, remote.failures = None, 0
        except (AppError, ApiError) as error:
            said = SourceUnreachableError(str(error))
            remote.trouble = error if isinstance(error, AppError) else said
            remote.failures += 1
        finally:
            remote.asked = self._clock()
            remote.asking = None
        if remote.told != before:
            self._tell(key)

    async def _answer(self, remote: _Remote, login: GetLogin) -> str:
        """The commit.

        Raises:
            AppError: It is not known; the text says why.
        """
        if remote.busy:
            raise SourceUnreachableError(f"{remote.git.url} does not end its answer")
        as_whom = await login()
        try:
            async with asyncio.timeout(_LONGEST):
                return await _in_thread(remote, lambda: self._ask(remote.git, as_whom))
        except TimeoutError as error:
            sentence = f"{remote.git.url} has not answered within {_LONGEST:g} s"
            raise SourceUnreachableError(sentence) from error
        except ConfigurationError as error:
            raise SourceMissingError(str(error)) from error
        except ImmutantError as error:
            raise SourceUnreachableError(str(error)) from error


def _question(git: GitSource) -> tuple[str, str, str]:
    return git.url, git.revision, git.secret.name if git.secret is not None else ""


async def _in_thread(remote: _Remote, work: Callable[[], str]) -> str:
    """Work in a thread that nothing waits for when the process ends, as asyncio does for its own.

    Until it has ended, no other is started for this repository.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def run() -> None:
        found: str | BaseException
        try:
            found = work()
        except Exception as error:  # it is raised again where it is awaited
            found = error
        remote.busy = False
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found)

    def settle(found: str | BaseException) -> None:
        if answer.done():
            return
        if isinstance(found, str):
            answer.set_result(found)
        else:
            answer.set_exception(found)

    remote.busy = True
    threading.Thread(target=run, name=remote.git.url, daemon=True).start()
    return await answer
