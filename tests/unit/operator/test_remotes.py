"""Asking repositories: when, and that nobody waits for one that hangs."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.polling import until

from immutant.errors import ConfigurationError, ImmutantError, SourceUnreachableError
from immutant.gitlogin import Login
from immutant_operator import remotes as module
from immutant_operator.errors import ForbiddenError
from immutant_operator.remotes import Known, Remotes
from immutant_operator.spec.source import GitSource

KEY = ("apps", "demo")
FIRST, SECOND = "ab" * 20, "cd" * 20


def git(**more: Any) -> GitSource:
    return GitSource.model_validate(
        {"url": "https://example.org/a.git", "revision": "main", **more}
    )


async def nobody() -> Login:
    return Login()


class Server:
    """What a server says, and how often it was asked."""

    def __init__(self) -> None:
        self.says: Callable[[], str] = lambda: FIRST
        self.asked = 0
        self.now = 1000.0
        self.told: list[tuple[str, str]] = []
        self.news = asyncio.Event()
        self.remotes = Remotes(self._tell, lambda: self.now, self._ask)

    def _ask(self, source: GitSource, login: Login) -> str:
        self.asked += 1
        return self.says()

    def _tell(self, key: tuple[str, str]) -> None:
        self.told.append(key)
        self.news.set()

    def fails(self, error: ImmutantError) -> None:
        def fail() -> str:
            raise error

        self.says = fail

    async def look(self, source: GitSource | None = None, login: Any = nobody) -> Known:
        return await self.remotes.look(KEY, source or git(), login)

    async def later(self, seconds: float = 60.0) -> Known:
        """What is known after a period, once the server has been asked again."""
        self.now += seconds
        await self.look()
        if (asking := self.remotes._remotes[KEY].asking) is not None:
            await asyncio.wait_for(asking, 10)
        return await self.look()


@pytest.fixture
async def server() -> Server:
    return Server()


@pytest.fixture
def hanging(server: Server) -> Iterator[threading.Event]:
    """A server that says nothing until it is let go."""
    released = threading.Event()

    def hang() -> str:
        released.wait(30)
        return SECOND

    server.says = hang
    yield released
    released.set()


async def test_the_first_look_has_the_answer_and_the_next_ask_nobody(server: Server) -> None:
    assert await server.look() == (FIRST, None, 60.0)
    server.now += 59
    assert await server.look() == (FIRST, None, 1.0)
    assert server.asked == 1


async def test_a_branch_that_has_moved_is_news(server: Server) -> None:
    await server.look()
    server.told.clear()
    assert (await server.later()).commit == FIRST
    assert server.told == []
    server.says = lambda: SECOND
    assert (await server.later()).commit == SECOND
    assert server.told == [KEY]


async def test_a_commit_is_itself_and_nobody_is_asked(server: Server) -> None:
    assert await server.look(git(revision=FIRST)) == (FIRST, None, None)
    assert server.asked == 0


async def test_another_revision_or_url_or_secret_is_asked_for_at_once(server: Server) -> None:
    await server.look()
    others: list[dict[str, Any]] = [
        {"revision": "v1"},
        {"url": "https://example.org/b.git"},
        {"secret": {"name": "a"}},
    ]
    for number, more in enumerate(others, 2):
        await server.look(git(**more))
        assert server.asked == number
    await server.look(git(secret={"name": "a"}, period="90s", path="web"))
    assert server.asked == 4


async def test_one_failure_is_passed_over_and_the_second_is_told(server: Server) -> None:
    await server.look()
    server.fails(SourceUnreachableError("it is gone"))
    assert (await server.later()).trouble is None
    known = await server.later()
    assert known.commit == FIRST
    assert str(known.trouble) == "it is gone"
    assert known.trouble is not None
    assert known.trouble.reason == "SourceUnreachable"
    server.says = lambda: SECOND
    assert await server.later() == (SECOND, None, 60.0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SourceUnreachableError("it is gone"), "SourceUnreachable"),
        (ConfigurationError("there is no such branch"), "SourceMissing"),
    ],
)
async def test_where_nothing_is_known_a_failure_is_told_at_once(
    server: Server, error: ImmutantError, reason: str
) -> None:
    server.fails(error)
    known = await server.look()
    assert known.commit is None
    assert known.trouble is not None
    assert (known.trouble.reason, str(known.trouble)) == (reason, str(error))


async def test_a_secret_that_may_not_be_read_is_told_in_its_own_words(server: Server) -> None:
    async def refused() -> Login:
        raise ForbiddenError("let it read")

    known = await server.look(login=refused)
    assert known.trouble is not None
    assert (known.trouble.reason, str(known.trouble)) == ("Forbidden", "let it read")
    assert server.asked == 0


async def test_a_server_that_hangs_holds_nobody_up_and_its_answer_is_news(
    server: Server, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIRST", 0.05)
    async with asyncio.timeout(5):
        known = await server.look()
        assert known.commit is None
        assert "has not said yet at which commit main is" in str(known.trouble)
        hanging.set()
        await server.news.wait()
        assert (await server.look()).commit == SECOND


async def test_a_server_that_never_ends_its_answer_has_one_thread_and_no_more(
    server: Server, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST", 0.05)
    assert "has not answered within 0.05 s" in str((await server.look()).trouble)
    assert "does not end its answer" in str((await server.later()).trouble)
    assert server.asked == 1
    hanging.set()
    server.says = lambda: FIRST
    remote = server.remotes._remotes[KEY]
    await asyncio.to_thread(until, lambda: not remote.busy, "its end", 5, 0.01)
    assert (await server.later()).commit == FIRST


async def test_an_app_that_is_gone_is_forgotten_while_its_server_is_asked(
    server: Server, hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIRST", 0.05)
    await server.look()
    server.remotes.forget(KEY)
    hanging.set()
    await asyncio.sleep(0)
    assert server.told == []
    assert server.remotes._remotes == {}
