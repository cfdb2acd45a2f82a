"""Real members: what they promise to the programs beside them, to the kubelet, and in faults."""

import asyncio
import dataclasses
import gc
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hazelcast import predicate
from hazelcast.asyncio import HazelcastClient
from hazelcast.errors import HazelcastSerializationError
from hazelcast.serialization.data import Data
from tests.e2e.testbed.errors import wait_until
from tests.grid.build import build
from tests.grid.members import (
    PATIENCE,
    Member,
    Members,
    leaves_sockets,
    ports_of_members,
    running,
)
from tests.machine import LINUX, MEMBERS, need

KEYS = 1_000


@pytest.fixture(scope="module")
def shared() -> Iterator[Members]:
    """For tests that leave the members as they are."""
    with running(3) as members:
        yield members


@pytest.fixture
def members() -> Iterator[Members]:
    """For faults."""
    with running(3) as members:
        yield members


@asynccontextmanager
async def client(members: Members) -> AsyncIterator[HazelcastClient]:
    """A client that is told of every write that may not be on both owners."""
    made = await HazelcastClient.create_and_start(
        cluster_name=members.cluster,
        cluster_members=[str(member) for member in members.grid().members],
        redo_operation=True,
        fail_on_indeterminate_operation_state=True,
        # The client too has to suspect a frozen member: the one that tells it about the others.
        heartbeat_interval=1.0,
        heartbeat_timeout=5.0,
    )
    try:
        yield made
    finally:
        await made.shutdown()
        del made
        gc.collect()  # see leaves_sockets


async def fill(made: HazelcastClient) -> None:
    """A thousand entries, and a thousand items of a queue."""
    entries: Any = await made.get_map("cache.things")
    await asyncio.gather(*(entries.set(f"key{i}", i) for i in range(KEYS)))
    queue: Any = await made.get_queue("/queue/msg")
    await queue.clear()
    await queue.add_all(list(range(KEYS)))


async def held(made: HazelcastClient) -> tuple[int, int]:
    """How many of them are there."""
    entries: Any = await made.get_map("cache.things")
    values = await entries.get_all([f"key{i}" for i in range(KEYS)])
    queue: Any = await made.get_queue("/queue/msg")
    return len(values), await queue.size()


def total(members: Members, metric: str, **labels: str) -> float:
    return sum(member.metric(metric, **labels) or 0 for member in members if member.alive)


async def test_metrics_count_each_entry_once_as_owned_and_once_as_backup(shared: Members) -> None:
    async with client(shared) as made:
        await fill(made)
    for place in ("owned", "backup"):
        assert total(shared, f"hazelcast_map_{place}_entries", map="cache.things") == KEYS
        assert total(shared, f"hazelcast_queue_{place}_items", queue="/queue/msg") == KEYS
        assert total(shared, f"hazelcast_{place}_partitions") == 271
    assert [member.metric("hazelcast_members") for member in shared] == [3, 3, 3]


async def test_the_topology_names_the_members_that_hold_a_key(shared: Members) -> None:
    async with client(shared) as made:
        entries: Any = await made.get_map("one")
        await entries.set("a key: ünd more", "value")
    owner, backup = shared[0].topology("owners", map="one", key="a key: ünd more")["members"]
    found = {
        member.name: tuple(
            member.metric(f"hazelcast_map_{place}_entries", map="one")
            for place in ("owned", "backup")
        )
        for member in shared
    }
    assert found == {member.name: (0, 0) for member in shared} | {owner: (1, 0), backup: (0, 1)}


async def test_all_members_tell_one_topology(shared: Members) -> None:
    async with client(shared) as made:
        await fill(made)
    told = [member.topology("partitions") for member in shared]
    assert [one["self"] for one in told] == [member.name for member in shared]
    by_name = [
        [[one["members"][index] for index in replicas] for replicas in one["replicas"]]
        for one in told
    ]
    assert by_name[0] == by_name[1] == by_name[2]
    assert len(by_name[0]) == 271
    assert all(len(set(replicas)) == 2 for replicas in by_name[0])
    partition = shared[1].topology("owners", map="cache.things", key="key7")
    assert partition["members"] == by_name[0][partition["partition"]]


@leaves_sockets
async def test_a_killed_member_of_three_takes_nothing_with_it(members: Members) -> None:
    async with client(members) as made:
        await fill(made)
        members[1].kill()
        members.ready()
        assert await held(made) == (KEYS, KEYS)
    for place in ("owned", "backup"):
        assert total(members, f"hazelcast_map_{place}_entries", map="cache.things") == KEYS


@leaves_sockets
async def test_a_member_that_leaves_hands_over_and_comes_back(members: Members) -> None:
    async with client(members) as made:
        await fill(made)
        for member in members:
            began = time.monotonic()
            assert member.stop() in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
            assert time.monotonic() - began < 10
            assert await held(made) == (KEYS, KEYS)
            member.start()
            members.ready()
        assert await held(made) == (KEYS, KEYS)


@leaves_sockets
async def test_a_member_that_is_stopped_hands_over_stays_a_process_and_joins_again(
    members: Members,
) -> None:
    async with client(members) as made:
        await fill(made)
        member, pid = members[2], members[2].pid
        for _ in range(2):
            for _ in range(2):  # to be asked again changes nothing
                member.fetch(member.ports.topology, "/v1/stop", "PUT")
            assert (member.healthy(), member.pid) == (False, pid)
            assert member.metric("hazelcast_members") is None, (
                "a member that has left tells nothing"
            )
            assert member.metric("jvm_threads_current"), "and its process lives"
            seen = lambda: members[0].metric("hazelcast_members") == 2  # noqa: E731
            wait_until("the others see it", seen, PATIENCE, "metrics")
            assert await held(made) == (KEYS, KEYS)
            member.fetch(member.ports.topology, "/v1/start", "PUT")
            members.ready()
            assert await held(made) == (KEYS, KEYS)
        threads = member.metric("jvm_threads_current") or 0
        assert threads < 2 * (members[0].metric("jvm_threads_current") or 0), "no life leaves any"
        assert member.stop() in (0, 128 + signal.SIGTERM, -signal.SIGTERM)


@leaves_sockets
async def test_a_start_in_the_middle_of_a_stop_begins_after_it(members: Members) -> None:
    async with client(members) as made:
        await fill(made)
        member, pid = members[2], members[2].pid

        def ask(path: str) -> str:
            return member.fetch(member.ports.topology, path, "PUT")

        asked = ("/v1/stop", "/v1/start", "/v1/stop", "/v1/start")
        for _ in range(3):
            await asyncio.gather(*(asyncio.to_thread(ask, path) for path in asked))
            ask("/v1/start")
            members.ready()
            assert member.pid == pid, "its process has not ended by itself"
        assert await held(made) == (KEYS, KEYS)


@leaves_sockets
async def test_a_frozen_member_holds_up_calls_for_some_seconds_and_then_joins_again(
    members: Members,
) -> None:
    async with client(members) as made:
        await fill(made)
        frozen = members[2]
        frozen.freeze()
        began = time.monotonic()
        assert await held(made) == (KEYS, KEYS)
        assert time.monotonic() - began < 20  # measured: 5 to 9 s on a busy machine
        frozen.thaw()
        members.ready()
        assert await held(made) == (KEYS, KEYS)


def test_metrics_answer_at_once_while_another_member_is_frozen(members: Members) -> None:
    members[2].freeze()
    began = time.monotonic()
    assert members[0].metric("hazelcast_members") == 3
    assert time.monotonic() - began < 2
    members[2].thaw()


def test_all_members_that_stop_together_end_in_time(members: Members) -> None:
    began = time.monotonic()
    for member in members:
        os.kill(member.pid, signal.SIGTERM)
    for member in members:
        member.wait()
    assert time.monotonic() - began < 10


def test_the_number_of_owners_is_told_and_kept() -> None:
    with running(2, IMMUTANT_OWNERS="1") as members:
        assert len(members[0].topology("owners", map="m", key="k")["members"]) == 1


def test_a_question_without_its_parameters_is_refused(shared: Members) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        shared[0].topology("owners", map="m")
    assert refused.value.code == 400
    assert "'key'" in json.loads(refused.value.read())["error"]
    refused.value.close()


def test_only_the_health_check_is_open_on_the_port_of_the_grid(shared: Members) -> None:
    assert shared[0].healthy("ready")
    assert shared[0].healthy("cluster-safe")
    with pytest.raises(OSError):
        shared[0].fetch(shared[0].ports.grid, "/hazelcast/rest/maps/cache.things/key1")


async def test_nothing_is_made_of_a_foreign_java_object(shared: Members) -> None:
    async with client(shared) as made:
        entries: Any = await made.get_map("cache.objects")
        await entries.set("key", java_object("org.example.Gadget"))
        with pytest.raises(
            HazelcastSerializationError, match=r"org\.example\.Gadget is not allowed"
        ):
            await entries.values(predicate.sql("this = 1"))
        await entries.destroy()


def java_object(name: str) -> Data:
    """An object of that class as Java serializes it, without fields."""
    stream = b"\xac\xed\x00\x05sr" + len(name).to_bytes(2, "big") + name.encode()
    stream += b"\x00" * 8 + b"\x02\x00\x00xp"  # its version; serializable, no fields, no parent
    java = -100
    return Data(b"\x00" * 4 + java.to_bytes(4, "big", signed=True) + stream)  # type: ignore[no-untyped-call]


def test_members_find_each_other_by_name() -> None:
    with running(1, IMMUTANT_GRID_SEEDS="", IMMUTANT_GRID_DNS="localhost") as members:
        assert members[0].metric("hazelcast_members") == 1


def test_a_new_member_joins_one_that_answers_before_its_own_address_is_published() -> None:
    need(LINUX)  # the others have one loopback address unless they are given more
    with running(1, IMMUTANT_GRID_SEEDS="", IMMUTANT_GRID_DNS="localhost") as members:
        ports = dataclasses.replace(ports_of_members(1)[0], grid=members[0].ports.grid)
        second = Member(ports, members, address="127.0.0.2")
        second.start()
        try:
            wait_until("the second member", lambda: second.healthy(), PATIENCE, str(second.log))
            seen = lambda: members[0].metric("hazelcast_members") == 2  # noqa: E731
            wait_until("the others see it", seen, PATIENCE, "metrics")
        finally:
            second.kill()


def test_a_name_that_says_nothing_is_waited_for_and_no_grid_is_founded(shared: Members) -> None:
    lost = Member(
        ports_of_members(1)[0], shared, IMMUTANT_GRID_SEEDS="", IMMUTANT_GRID_DNS="no.invalid"
    )
    lost.start()
    try:
        said = "no.invalid names neither this member nor one that answers; waiting until it does"
        wait_until("its word", lambda: said in lost.log.read_text(), PATIENCE, str(lost.log))
        assert lost.alive
        assert not lost.healthy()
        assert "STARTING" not in lost.log.read_text()
    finally:
        lost.kill()


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("IMMUTANT_GRID", "", "IMMUTANT_GRID is not set"),
        ("IMMUTANT_GRID_SEEDS", "", "Set one of IMMUTANT_GRID_DNS"),
        ("IMMUTANT_GRID_SEEDS", "here", "IMMUTANT_GRID_SEEDS must be of the form host:port"),
        ("IMMUTANT_MEMBER_ADDRESS", "demo-0", "must be this member's IP address, not 'demo-0'"),
        ("IMMUTANT_MEMBER_PORT", "http", "IMMUTANT_MEMBER_PORT must be a number from 1 to 65535"),
        ("IMMUTANT_OWNERS", "8", "IMMUTANT_OWNERS must be a number from 1 to 7, not '8'"),
        ("IMMUTANT_HEAP", "lots", "IMMUTANT_HEAP must be a number with k, m or g"),
    ],
)
def test_a_bad_environment_ends_it_with_one_sentence(
    variable: str, value: str, sentence: str
) -> None:
    need(*MEMBERS)
    environ = {
        "IMMUTANT_GRID": "test.bad",
        "IMMUTANT_GRID_SEEDS": "127.0.0.1:9",
        "IMMUTANT_MEMBER_ADDRESS": "127.0.0.1",
        variable: value,
    }
    done = subprocess.run(
        [build() / "start"], env={**os.environ, **environ}, capture_output=True, text=True
    )
    assert done.returncode == 78
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_a_taken_port_ends_it_with_one_sentence(shared: Members) -> None:
    taken = Member(shared[0].ports, shared)
    taken.log = taken.log.with_suffix(".second")
    taken.start()
    assert taken.wait() == 78
    assert re.fullmatch(r"Cannot listen on 127\.0\.0\.1:\d+ .*\n", taken.log.read_text())


def test_members_die_with_the_process_that_started_them() -> None:
    need(LINUX, *MEMBERS)  # pidfd_open
    script = (
        "import os\n"
        "from tests.grid.members import running\n"
        "with running(1) as members:\n"
        "    print(members[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    with suppress(ProcessLookupError):
        ended = os.pidfd_open(int(done.stdout))
        assert select.select([ended], [], [], 10)[0]
        os.close(ended)
