"""The coordinator's API as any language may speak it: a real process on a Unix socket."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from immutant import filelock, transport
from immutant.contract.environment import Address, Environment
from immutant.errors import CoordinatorError, RequestRefusedError
from immutant.link import Command
from immutant.schedules import Schedule
from immutant.serve.http_link import HttpLink


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[Address]:
    address = Address(path=str(tmp_path / "c.sock"))
    environment = Environment(
        app="demo",
        replica="demo-0",
        state=tmp_path / "state",
        coordinator=address,
        listen=Address(path=str(tmp_path / "web.sock")),
        app_lock=tmp_path / "app.lock",
    )
    lock = filelock.hold(environment.app_lock)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "immutant.coordinator", env=environment.variables()
    )
    try:
        await answering(address)
        yield address
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
        lock.release()


async def answering(address: Address) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await transport.request(address, "GET", "/v1/status")
            except CoordinatorError:
                await asyncio.sleep(0.05)
            else:
                return


async def post(address: Address, path: str, **body: object) -> Any:
    return await transport.request(address, "POST", path, body)


async def test_standing_is_opening_a_stream_and_answers_are_requests(address: Address) -> None:
    hello = await post(address, "/v1/hello", process="p1")
    assert hello["replica"] == "demo-0"
    assert hello["lock"]
    standing = {"incarnation": hello["incarnation"], "kind": "daemon", "name": "counter"}
    async with transport.stream(address, "POST", "/v1/singletons", standing) as events:
        granted = await anext(events)
        assert granted["event"] == "granted"
        assert int(granted["token"]) > 0
        status = await transport.request(address, "GET", "/v1/status")
        assert status["tenures"] == [
            {"kind": "daemon", "name": "counter", "token": granted["token"]}
        ]
        heartbeat = await anext(events)
        assert heartbeat["not_after"] > granted["not_after"]
        async with transport.stream(address, "GET", "/v1/deadlines") as deadlines:
            assert granted["tenure"] in await anext(deadlines)
        draining = asyncio.create_task(
            post(address, "/v1/drain", process="p1", reason="a test", grace=5)
        )
        event: dict[str, Any] = {}
        while event.get("event") != "stopping":
            event = await anext(events)
        await post(address, f"/v1/tenures/{granted['tenure']}/stopped")
        await draining
    status = await transport.request(address, "GET", "/v1/status")
    assert status["tenures"] == []


async def test_a_second_candidacy_for_the_same_waits_and_is_refused(address: Address) -> None:
    hello = await post(address, "/v1/hello", process="p1")
    standing = {"incarnation": hello["incarnation"], "kind": "daemon", "name": "counter"}
    async with transport.stream(address, "POST", "/v1/singletons", standing) as events:
        await anext(events)
        with pytest.raises(CoordinatorError, match="cannot be stood for now"):
            async with transport.stream(address, "POST", "/v1/singletons", standing):
                pass


async def test_another_process_proves_the_former_dead(address: Address) -> None:
    hello = await post(address, "/v1/hello", process="p1")
    standing = {"incarnation": hello["incarnation"], "kind": "daemon", "name": "counter"}
    async with transport.stream(address, "POST", "/v1/singletons", standing) as events:
        await anext(events)
        again = await post(address, "/v1/hello", process="p2")
        assert [event async for event in events if event["event"] == "granted"] == []
    assert again["replica"] == "demo-0"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"kind": "member", "name": "0"}, "must be one of daemon, job, not 'member'"),
        ({"kind": "daemon"}, "the field 'name' must be a text"),
        ({"kind": "job", "name": "j", "schedule": "{}{"}, "this is no schedule"),
    ],
)
async def test_what_cannot_be_stood_for_is_refused_with_a_sentence(
    address: Address, body: dict[str, object], said: str
) -> None:
    hello = await post(address, "/v1/hello", process="p1")
    body = body | {"incarnation": hello["incarnation"]}
    with pytest.raises(RequestRefusedError, match=said):
        async with transport.stream(address, "POST", "/v1/singletons", body):
            pass


async def test_a_body_that_is_none_is_refused(address: Address) -> None:
    with pytest.raises(RequestRefusedError, match="must be a JSON object"):
        await transport.request(address, "POST", "/v1/hello", ["p1"])
    with pytest.raises(RequestRefusedError, match="'grace' must be a number"):
        await post(address, "/v1/drain", process="p1", reason="x", grace="long")


async def test_a_job_is_commanded_and_looked_at_whatever_its_name(address: Address) -> None:
    hello = await post(address, "/v1/hello", process="p1")
    schedule = Schedule.of(every=600).to_json()
    standing = {"incarnation": hello["incarnation"], "kind": "job", "name": "a/b c"}
    link, name = HttpLink(address), "a/b c"
    async with transport.stream(
        address, "POST", "/v1/singletons", standing | {"schedule": schedule}
    ) as events:
        granted = await anext(events)
        first = await next_tick(events)
        done = f"/v1/tenures/{granted['tenure']}/done"
        await post(address, done, tick=first["id"], attempt=first["attempt"])
        asked = await post(address, "/v1/jobs/a%2Fb%20c/trigger", key="k")
        assert [one["id"][-10:] for one in asked["asked"]] == ["/trigger-k"]
        second = await next_tick(events)
        assert second["id"] == asked["asked"][0]["id"]
        await post(address, done, tick=second["id"], error="RuntimeError: a test")
        await post(address, "/v1/jobs/a%2Fb%20c/pause")
        status = await link.job(name)
        assert (status.paused, status.holder, status.ticks) == (True, "demo-0", 1)
        assert not (await link.command(name, Command("resume"))).paused
        with pytest.raises(RequestRefusedError, match="key='a b' must be up to 64 letters"):
            await link.command(name, Command("trigger", "a b"))
        await link.command(name, Command("backfill", "old", since=-2.0, until=-1.0))
        listed = await transport.request(address, "GET", "/v1/jobs")
        assert [job["name"] for job in listed] == [name]


async def next_tick(events: AsyncIterator[dict[str, Any]]) -> dict[str, Any]:
    async for event in events:
        if event["event"] == "tick":
            return event
    raise AssertionError("the stream ended")


async def test_a_command_that_cannot_be_is_refused_with_a_sentence(address: Address) -> None:
    with pytest.raises(CoordinatorError, match="no replica has held a job 'j' so far"):
        await post(address, "/v1/jobs/j/pause")
    with pytest.raises(RequestRefusedError, match="'key' must be a text"):
        await post(address, "/v1/jobs/j/trigger", key=3)
    with pytest.raises(RequestRefusedError, match="'since' must be seconds since the epoch"):
        await post(address, "/v1/jobs/j/backfill", since=-1e11, until=1)
    with pytest.raises(RequestRefusedError, match="'since' must not be later than 'until'"):
        await post(address, "/v1/jobs/j/backfill", since=2, until=1)
    with pytest.raises(RequestRefusedError, match="'attempt' must be a whole number"):
        await post(address, "/v1/tenures/t/done", tick="j/1", attempt=1.5)
    with pytest.raises(CoordinatorError, match="405"):
        await post(address, "/v1/jobs/j/forget")
