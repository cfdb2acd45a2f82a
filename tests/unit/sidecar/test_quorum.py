"""Whose votes count, read off the member leases and told to a member that a server plays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.processes import free_port

from immutant.clock import SystemClock
from immutant.contract.environment import Address
from immutant.contract.gridview import GridView
from immutant.coordinator.driver import Driver
from immutant.election import Timings
from immutant.election.stance import Data, Stance
from immutant.embedded import EmbeddedBackend
from immutant.leases import Lease
from immutant.sidecar.quorum import Ballot, Quorum
from immutant.webserver import WebServer

Word = TypeVar("Word")


class Played:
    """A member that notes what it is told, and a driver that notes what it learns of it."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[dict[str, list[str]]] = asyncio.Queue()
        self.learnt: asyncio.Queue[Data] = asyncio.Queue()
        self.seen: asyncio.Queue[GridView] = asyncio.Queue()
        self.answer: dict[str, object] = {"writable": True}

    async def quorum(self, request: Request) -> JSONResponse:
        self.told.put_nowait(parse_qs(request.url.query, keep_blank_values=True))
        return JSONResponse(self.answer)

    def server(self, address: Address) -> WebServer:
        route = Route("/v1/quorum", self.quorum, methods=["PUT"])
        return WebServer(Starlette(routes=[route]), address)


@asynccontextmanager
async def beside(played: Played, address: Address) -> AsyncIterator[Quorum]:
    """A quorum of a pod that is alone, at work."""
    clock = SystemClock()
    backend = await EmbeddedBackend.open(None, replica="demo-0", clock=clock)
    driver = Driver("demo", "demo-0", backend.leases, clock, Timings(), life="demo-0/uid")
    driver.reaches = played.learnt.put_nowait  # type: ignore[method-assign,assignment]
    driver.sees = played.seen.put_nowait  # type: ignore[method-assign,assignment]
    driver.start()
    driver.meet("app")
    failed = asyncio.Event()
    async with Quorum(driver, clock, address, failed.set) as quorum:
        yield quorum
    assert not failed.is_set()
    await driver.close()
    await backend.close()


async def next_of(queue: "asyncio.Queue[Word]") -> Word:
    return await asyncio.wait_for(queue.get(), 10)


def lease(member: str, ended: str = "") -> Lease:
    return Lease(f"demo.member.{member[-1]}", holder=f"{member}/1", member=member, ended=ended)


def test_who_was_expelled_or_has_left_keeps_its_vote_and_has_gone() -> None:
    leases = [lease("demo-0"), lease("demo-1", "expelled"), lease("demo-2", "resigned")]
    assert Ballot.of("demo-0", leases) == Ballot(
        voters=frozenset({"demo-0", "demo-1", "demo-2"}), gone=frozenset({"demo-1", "demo-2"})
    )


def test_who_lives_beside_a_dead_member_has_gone() -> None:
    leases = [lease("demo-0"), replace(lease("demo-1"), body=Stance(dataless=True).to_body())]
    ballot = Ballot.of("demo-0", leases)
    assert ballot == Ballot(frozenset({"demo-0", "demo-1"}), frozenset({"demo-1"}))


@pytest.mark.parametrize("ended", ["expelled", "resigned"])
def test_a_pod_counts_itself_whatever_became_of_its_lease(ended: str) -> None:
    ballot = Ballot.of("demo-0", [lease("demo-0", ended), lease("demo-1")])
    assert ballot == Ballot(voters=frozenset({"demo-0", "demo-1"}))


async def test_a_member_is_told_again_and_again_and_says_whether_it_may_write(
    tmp_path: Path,
) -> None:
    played, address = Played(), Address(path=str(tmp_path / "member"))
    async with played.server(address), beside(played, address) as quorum:
        for _ in range(2):
            told = await asyncio.wait_for(played.told.get(), 10)
            assert told["voters"] == ["demo-0"]
            assert told["gone"] == [""]
            assert await next_of(played.learnt) is Data.WRITABLE
        assert quorum.told
        played.answer = {"writable": False}
        while await next_of(played.learnt) is not Data.REFUSED:
            pass


async def test_beside_a_member_that_does_not_answer_nothing_can_be_written() -> None:
    played, address = Played(), Address(host="127.0.0.1", port=free_port())
    async with beside(played, address) as quorum:
        assert await next_of(played.learnt) is Data.GONE, "its port is closed"
        assert not quorum.told
        async with played.server(address):
            while await next_of(played.learnt) is not Data.WRITABLE:
                pass
            assert quorum.told


async def test_a_member_that_is_only_silent_may_still_write(tmp_path: Path) -> None:
    played, address = Played(), Address(path=str(tmp_path / "nobody"))
    async with beside(played, address):
        assert await next_of(played.learnt) is Data.REFUSED


async def test_what_the_member_sees_of_the_grid_is_passed_on_until_it_is_silent() -> None:
    played, address = Played(), Address(host="127.0.0.1", port=free_port())
    played.answer |= {"members": 3, "view": "0ff1ce", "safe": True}
    async with beside(played, address):
        assert await next_of(played.seen) == GridView(), "nobody answers"
        async with played.server(address):
            while (seen := await next_of(played.seen)) == GridView():
                pass
            assert seen == GridView(3, "0ff1ce", safe=True)
        while await next_of(played.seen) != GridView():
            pass


async def test_a_member_of_the_version_before_is_not_taken_for_one_that_sees_nobody() -> None:
    played, address = Played(), Address(host="127.0.0.1", port=free_port())
    async with played.server(address), beside(played, address):
        assert await next_of(played.learnt) is Data.WRITABLE
        assert played.seen.empty()
