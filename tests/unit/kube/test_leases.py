"""What the store makes of an API server's answers that no real one gives on demand."""

from collections.abc import Mapping
from typing import Any

import pytest

from immutant.errors import ConflictError, StoreError
from immutant.kube.calendar import Calendar
from immutant.kube.client import Answer, KubeClient
from immutant.kube.leases import KubeLeases
from immutant.kube.records import Owner
from immutant.leases import Lease
from immutant.testing import FakeClock

MEMBER = Lease("demo.member.0", holder="life-1", member="demo-0", nonce="n", duration=4.0)


class Server(KubeClient):
    """Answers what it is told to, one answer after the other."""

    def __init__(self, clock: FakeClock) -> None:
        self.calendar = Calendar()
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, Mapping[str, str] | None]] = []
        self._clock = clock

    async def call(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        timeout: float,
    ) -> Answer:
        self.asked.append((verb, path, query))
        now = self._clock.now()
        self.calendar.learn("Tue, 14 Nov 2023 22:13:20 GMT", now, now)
        return self.answers.pop(0)


def found(version: int, status: int = 200) -> Answer:
    return Answer(status, {"metadata": {"name": MEMBER.name, "resourceVersion": str(version)}})


def page(version: int, rest: str = "") -> Answer:
    metadata = {"resourceVersion": str(version), "continue": rest}
    return Answer(200, {"metadata": metadata, "items": [found(version).body]})


def refusal(status: int) -> Answer:
    return Answer(status, {"message": "said by the server"})


@pytest.fixture
def server() -> Server:
    return Server(FakeClock())


@pytest.fixture
def leases(server: Server) -> KubeLeases:
    owner = Owner("apps", "demo", "uid-1")
    # The first answer of all gives the calendar.
    server.answers.append(Answer(200, {}))
    return KubeLeases(server, owner, server._clock, 0.6)


@pytest.mark.parametrize("status", [400, 403, 422, 429, 500, 503])
async def test_an_error_says_what_the_server_said(
    server: Server, leases: KubeLeases, status: int
) -> None:
    server.answers += [refusal(status), refusal(status), refusal(status)]
    for work in (leases.write(MEMBER, 0), leases.read(MEMBER.name), leases.snapshot()):
        with pytest.raises(StoreError, match=f"answered {status}: said by the server") as caught:
            await work
        assert not isinstance(caught.value, ConflictError)


async def test_a_write_over_what_was_never_seen_reads_it_first(
    server: Server, leases: KubeLeases
) -> None:
    server.answers[:] = [found(6), found(7)]
    assert await leases.write(MEMBER, 6) == 7
    assert [verb for verb, *_ in server.asked] == ["get", "update"]


async def test_a_write_over_what_is_not_there_is_refused(
    server: Server, leases: KubeLeases
) -> None:
    server.answers[:] = [refusal(404)]
    with pytest.raises(ConflictError):
        await leases.write(MEMBER, 6)


async def test_a_long_listing_comes_in_pages_and_from_the_truth(
    server: Server, leases: KubeLeases
) -> None:
    server.answers[:] = [page(5, "more"), page(5)]
    snapshot = await leases.snapshot()
    assert len(snapshot.leases) == 2
    assert snapshot.version == 5
    queries = [query or {} for *_, query in server.asked]
    assert [query.get("continue") for query in queries] == [None, "more"]
    assert not any("resourceVersion" in query for query in queries)


async def test_versions_that_go_back_end_everything_for_good(
    server: Server, leases: KubeLeases
) -> None:
    server.answers[:] = [page(100), page(40), page(101)]
    await leases.snapshot()
    for _ in range(2):
        with pytest.raises(StoreError, match=r"went back .* raise spec.singletons.epoch"):
            await leases.snapshot()


async def test_a_write_with_a_version_that_was_there_before_does_not_count(
    server: Server, leases: KubeLeases
) -> None:
    server.answers += [found(100), found(50, 201)]
    await leases.write(MEMBER, 0)
    with pytest.raises(StoreError, match="went back"):
        await leases.write(MEMBER, 0)


async def test_the_calendar_is_asked_for_only_when_nothing_was_heard_for_a_while(
    server: Server, leases: KubeLeases
) -> None:
    clock = server._clock
    assert isinstance(clock, FakeClock)
    await leases.wall()
    await clock.advance(29)
    await leases.wall()
    assert [path for _, path, _ in server.asked] == ["/version"]
    server.answers.append(Answer(200, {}))
    await clock.advance(2)
    await leases.wall()
    assert len(server.asked) == 2


async def test_an_answer_that_is_none_of_the_api_servers_is_an_error(
    server: Server, leases: KubeLeases
) -> None:
    server.answers[:] = [Answer(200, {}), Answer(200, {"metadata": {"resourceVersion": "x"}})]
    for _ in range(2):
        with pytest.raises(StoreError, match="has no version"):
            await leases.read(MEMBER.name)


async def test_nothing_here_proves_a_life_or_a_death(leases: KubeLeases) -> None:
    assert leases.hold("life-1").path is None
    assert [one async for one in leases.deaths()] == []
    assert not leases.absence_is_proof
