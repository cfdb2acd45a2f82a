import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import websockets
from tests.integration.run.harness import Run, gone

from immutant.run.client import ControlError


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@asynccontextmanager
async def without_a_failed_request(run: Run) -> AsyncIterator[list[str]]:
    """Ask all the time while the context is open; the versions that answered."""
    versions: list[str] = []

    async def ask_always() -> None:
        while True:
            versions.append((await run.curl())["version"])

    async with asyncio.TaskGroup() as group:
        asking = group.create_task(ask_always())
        yield versions
        asking.cancel()


async def test_replicas_serve_one_port_and_their_lines_carry_their_names(run: Run) -> None:
    async with run.started(replicas=2):
        await run.says(r'^demo-0 \| {"began": "demo-0"')
        await run.says(r'^demo-1 \| {"began": "demo-1"')
        gears = await run.all_up(2)
        assert {(await run.curl())["replica"] for _ in range(4)} == {"demo-0", "demo-1"}
        assert gears["demo-0"]["singletons"] == ["daemon.counter"]
        assert gears["demo-1"]["singletons"] == []
        assert {gear["state"] for gear in gears.values()} == {"running"}


async def test_ctrl_c_stops_everything_and_leaves_nothing(run: Run) -> None:
    async with run.started(replicas=2):
        gears = await run.all_up(2)
        run.signal(signal.SIGINT)
        assert await run.ended() == 0
        for gear in gears.values():
            await gone(gear["pid"])
            await gone(gear["coordinator"])
        assert list(run.state.iterdir()) == [run.state / "run.lock"]


async def test_a_second_ctrl_c_does_not_wait(run: Run) -> None:
    async with run.started("stubborn", grace=600):
        await run.says("ignores requests to stop")
        run.signal(signal.SIGINT)
        await run.says("Ctrl-C again stops at once")
        run.signal(signal.SIGINT)
        assert await run.ended() == 130


async def test_who_does_not_stop_within_the_grace_is_killed(run: Run) -> None:
    async with run.started("stubborn", grace=0.2):
        await run.says("ignores requests to stop")
        run.signal(signal.SIGTERM)
        assert await run.ended() == 0
        assert any("has not ended after 2.2 s and is killed" in line for line in run.lines)


async def test_replicas_do_not_outlive_a_launcher_that_was_killed(run: Run) -> None:
    async with run.started(replicas=2):
        gears = await run.all_up(2)
        run.signal(signal.SIGKILL)
        for gear in gears.values():
            await gone(gear["pid"])
            await gone(gear["coordinator"])
    async with run.started():
        await run.all_up(1)


async def test_an_application_that_dies_is_started_again(run: Run) -> None:
    async with run.started(replicas=2):
        before = await run.all_up(2)
        os.kill(before["demo-1"]["pid"], signal.SIGKILL)
        await run.says(r"the application of demo-1 was ended by SIGKILL; it is started again now")
        await run.says(r'"began": "demo-1"', times=2)
        after = await run.all_up(2)
        assert after["demo-1"]["restarts"] == 1
        assert after["demo-1"]["pid"] != before["demo-1"]["pid"]
        assert after["demo-0"]["pid"] == before["demo-0"]["pid"]


async def test_a_replica_can_be_stopped_and_started_while_users_notice_nothing(run: Run) -> None:
    async with run.started(replicas=2):
        await run.all_up(2)
        async with without_a_failed_request(run):
            assert "immutant start demo-0" in await run.ask("stop", name="demo-0")
            stopped = (await run.gears())["demo-0"]
            assert (stopped["state"], stopped["pid"], stopped["web"]) == ("stopped", None, False)
            assert (await run.curl())["replica"] == "demo-1"
            await run.ask("start", name="demo-0")
            await run.all_up(2)


async def test_replicas_come_and_go_with_the_scale(run: Run) -> None:
    async with run.started():
        await run.all_up(1)
        await run.ask("scale", replicas=3)
        await run.all_up(3)
        async with without_a_failed_request(run):
            await run.ask("scale", replicas=1)
        assert list(await run.gears()) == ["demo-0"]


async def test_an_unknown_replica_is_answered_with_those_that_exist(run: Run) -> None:
    async with run.started():
        with pytest.raises(ControlError, match="there is no replica 'demo-7'; there are demo-0"):
            await run.ask("stop", name="demo-7")


async def test_shutdown_ends_the_run(run: Run) -> None:
    async with run.started():
        await run.ask("shutdown")
        assert await run.ended() == 0


async def test_a_run_can_end_by_itself(run: Run) -> None:
    async with run.started(seconds=0.5):
        assert await run.ended() == 0


async def test_an_application_that_cannot_run_ends_the_run_with_its_sentence(run: Run) -> None:
    async with run.started("broken", replicas=2):
        assert await run.ended() == 78
        for name in ("demo-0", "demo-1"):
            assert run.lines.count(f"{name} | this version is broken; mend it") == 1


async def test_a_change_replaces_the_replicas_while_users_notice_nothing(run: Run) -> None:
    async with run.started(replicas=2, reload=True):
        await run.all_up(2)
        async with without_a_failed_request(run) as versions:
            run.version.write_text("v2")
            await touched_until(run, "^immutant . reloaded")
            assert (await run.curl())["version"] == "v2"
        assert {"v1", "v2"} == set(versions)


async def test_a_change_that_cannot_run_leaves_the_old_code_running(run: Run) -> None:
    async with run.started(replicas=2, reload=True):
        before = await run.all_up(2)
        run.version.write_text("broken")
        await touched_until(run, "^immutant . this version is broken; mend it")
        await run.says("the replicas go on with the code they have")
        assert (await run.curl())["version"] == "v1"
        assert await run.gears() == before


async def touched_until(run: Run, pattern: str) -> None:
    """Change a source file, again until the watch, which starts late, has noticed."""
    said = asyncio.create_task(run.says(pattern))
    while not any("changed" in line for line in run.lines):
        (run.folder / "app.py").write_text(f"# {len(run.lines)}")
        await asyncio.wait([said], timeout=0.5)
    await said


async def test_websockets_pass_and_stay_on_their_replica(run: Run) -> None:
    async with run.started(replicas=2):
        await run.all_up(2)
        async with websockets.connect(run.url.replace("http", "ws") + "/reverse") as socket:
            replies = []
            for text in ("abc", "def"):
                await socket.send(text)
                replies.append(str(await socket.recv()).split())
        assert [reply[1] for reply in replies] == ["cba", "fed"]
        assert replies[0][0] == replies[1][0]
