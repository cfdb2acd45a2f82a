"""Real members that see a part of the others: which of them may write."""

import asyncio
import functools
import gc
import json
import urllib.error
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hazelcast.asyncio import HazelcastClient
from hazelcast.errors import SplitBrainProtectionError
from tests.e2e.testbed.errors import wait_until
from tests.grid.members import PATIENCE, Member, Members, leaves_sockets, running

pytestmark = leaves_sockets

ALL = ("demo-0", "demo-1", "demo-2")
LONG = 60.0
KEYS = tuple(f"key{number}" for number in range(500))


@asynccontextmanager
async def client(members: Members, beside: Member) -> AsyncIterator[Any]:
    """A map, as a client of one member sees it."""
    made = await HazelcastClient.create_and_start(
        cluster_name=members.cluster, cluster_members=[beside.name], smart_routing=False
    )
    try:
        yield await made.get_map("cache.things")
    finally:
        await made.shutdown()
        del made
        gc.collect()  # see leaves_sockets


def until(what: str, done: Callable[[], bool], member: Member) -> None:
    wait_until(what, done, PATIENCE, str(member.log))


def until_all_may_write(members: Members) -> None:
    for member in members:
        until("it may write", functools.partial(getattr, member, "writable"), member)


def kept_by(member: Member) -> str:
    """A key of which this member has a copy: with both owners frozen it would be gone."""
    keys = (f"key{number}" for number in range(1000))
    return next(
        key
        for key in keys
        if member.name in member.topology("owners", map="cache.things", key=key)["members"]
    )


async def refuses(members: Members, member: Member, key: str = "key") -> bool:
    """Whether a write is refused, as a client of that member is told."""
    async with client(members, member) as things:
        try:
            await things.put(key, "value")
        except SplitBrainProtectionError:
            return True
        return False


async def test_one_that_was_not_told_yet_writes_only_with_those_it_has_joined() -> None:
    with running(1, app="demo") as members:
        assert await refuses(members, members[0])
        members.add()
        members.ready()
        until_all_may_write(members)
        assert not await refuses(members, members[1])


async def test_the_smaller_side_reads_and_writes_nothing_until_the_others_are_back() -> None:
    with running(3, app="demo") as members:
        for member in members:
            member.tell(*ALL)
        kept = kept_by(members[0])
        assert not await refuses(members, members[0], kept)
        for member in list(members)[1:]:
            member.freeze()
        until("it may not write", lambda: not members[0].writable, members[0])
        assert await refuses(members, members[0])
        async with client(members, members[0]) as things:
            assert await things.get(kept) == "value"
        for member in list(members)[1:]:
            member.thaw()
        members.ready()
        until_all_may_write(members)
        assert not await refuses(members, members[0])


async def test_who_is_silent_counts_no_more_before_hazelcast_gives_it_up() -> None:
    """What had waited for it would be written without a copy, between that and the next look."""
    with running(2, app="demo") as members:
        alone, silent = members
        for member in members:
            member.tell(*ALL[:2], seconds=LONG)
        until("it may write", lambda: alone.writable, alone)
        silent.freeze()

        def refuses_beside_it() -> bool:
            said = alone.tell(*ALL[:2], seconds=LONG)
            assert said["writable"] or said["members"] == 2, "it was given up first"
            return not said["writable"]

        until("it may not write", refuses_beside_it, alone)


async def test_two_of_three_go_on() -> None:
    with running(3, app="demo") as members:
        for member in members:
            member.tell(*ALL)
        members[2].kill()
        members.ready()
        assert members[0].writable
        assert not await refuses(members, members[0])


async def test_half_goes_on_while_it_is_known_that_the_other_half_is_gone() -> None:
    with running(2, app="demo") as members:
        alone = members[0]
        for member in members:
            member.tell(*ALL[:2], seconds=LONG)
        until("it may write", lambda: alone.writable, alone)
        members[1].kill()
        until("it may not write", lambda: not alone.writable, alone)
        alone.tell(*ALL[:2], gone="demo-1", seconds=LONG)
        async with asyncio.timeout(PATIENCE):
            while await refuses(members, alone):  # until Hazelcast has looked again
                pass
        alone.tell(*ALL[:2], gone="demo-1", seconds=0.2)
        until("that has become old", lambda: not alone.writable, alone)
        alone.tell("demo-0", seconds=LONG)
        until("it may write", lambda: alone.writable, alone)


@pytest.mark.parametrize("merges_into", [min, max], ids=["the-silent", "those-who-wrote"])
async def test_what_half_wrote_alone_is_there_once_the_others_may_write(
    merges_into: Callable[..., Member],
) -> None:
    """Of two sides of one size Hazelcast lets the greater address merge into the other."""
    with running(2, app="demo") as members:
        pods = dict(zip(members, ALL, strict=False))
        silent = merges_into(members, key=lambda member: f"[{member.address}]:{member.ports.grid}")
        (alone,) = set(members) - {silent}
        for member in members:
            member.tell(*ALL[:2], seconds=LONG)
        until("it may write", lambda: alone.writable, alone)
        await write(members, alone, "before")
        silent.freeze()
        until("it was given up", lambda: alone.tell(*ALL[:2])["members"] == 1, alone)
        alone.tell(*ALL[:2], gone=pods[silent], seconds=LONG)
        await write(members, alone, "after")
        silent.thaw()
        for member in members:
            until("they may write", functools.partial(write_together, member), member)
        async with client(members, silent) as things:
            found = dict(await things.get_all(list(KEYS)))
        assert found == dict.fromkeys(KEYS, "after")


def write_together(member: Member) -> bool:
    said = member.tell(*ALL[:2], seconds=LONG)
    return bool(said["writable"]) and said["members"] == 2


async def write(members: Members, beside: Member, value: str) -> None:
    async with client(members, beside) as things, asyncio.timeout(PATIENCE):
        for key in KEYS:
            while True:
                try:
                    await things.set(key, value)
                    break
                except SplitBrainProtectionError:  # until Hazelcast has looked again
                    pass


async def test_those_whom_it_met_count_while_the_word_is_old() -> None:
    with running(1, app="demo") as members:
        first = members[0]
        assert first.tell("demo-0", seconds=1.0)["writable"] is True
        members.add(2)
        members.ready()
        for member in list(members)[1:]:
            member.kill()
        until("it may not write", lambda: not first.writable, first)
        assert first.tell("demo-0")["writable"] is False
        assert first.tell("demo-0", seconds=LONG)["writable"] is True
        assert first.tell("demo-0")["writable"] is True, "they had gone when it was said"


@pytest.fixture(scope="module")
def lone() -> Iterator[Member]:
    with running(1) as members:
        yield members[0]


def test_a_member_in_no_pod_writes_always(lone: Member) -> None:
    until("it may write", lambda: lone.writable, lone)
    assert lone.tell("demo-1", "demo-2")["writable"] is True
    assert lone.writable


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/v1/quorum", 405, "PUT"),
        ("PUT", "/v1/quorum?voters=demo-0&gone=", 400, "until"),
        ("PUT", "/v1/quorum?voters=demo-0&gone=&until=soon", 400, "nanoseconds"),
    ],
)
def test_what_is_no_word_about_votes_is_refused(
    lone: Member, method: str, path: str, status: int, sentence: str
) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        lone.fetch(lone.ports.topology, path, method)
    assert refused.value.code == status
    assert sentence in json.loads(refused.value.read())["error"]
    refused.value.close()
