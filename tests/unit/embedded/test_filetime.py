import asyncio
from pathlib import Path
from typing import Any

import pytest

from immutant.embedded import EmbeddedBackend, filetime
from immutant.stores import Outgoing
from immutant.testing import FakeClock


async def _open(folder: Path, clock: FakeClock) -> EmbeddedBackend:
    return await EmbeddedBackend.open(folder, replica="a", clock=clock)


async def test_a_step_of_the_calendar_expires_nothing(tmp_path: Path) -> None:
    clock = FakeClock()
    backend = await _open(tmp_path, clock)
    await backend.caches.put("c", "key", b"1", 60.0)
    clock.jump(86_400)
    assert await backend.caches.get("c", "key") == b"1"
    await backend.close()
    backend = await _open(tmp_path, clock)
    assert await backend.caches.get("c", "key") == b"1"
    await clock.advance(61)
    assert await backend.caches.get("c", "key") is None
    await backend.close()


async def test_time_goes_on_over_a_reboot(tmp_path: Path, monkeypatch: Any) -> None:
    before = FakeClock(wall=1_800_000_000)
    backend = await _open(tmp_path, before)
    await before.advance(5_000)
    await backend.caches.put("c", "short", b"1", 60.0)
    await backend.caches.put("c", "long", b"1", 600.0)
    await backend.close()
    monkeypatch.setattr("immutant.embedded.file.boot_id", lambda: "the next boot")
    after = FakeClock(wall=before.wall() + 120)
    assert after.now() < before.now()
    backend = await _open(tmp_path, after)
    assert set(await backend.caches.entries("c")) == {"long"}
    await backend.close()


def test_the_boot_has_a_name() -> None:
    assert filetime.boot_id() == filetime.boot_id() != ""


@pytest.mark.parametrize("folder", [True, False])
async def test_delays_follow_the_given_clock(tmp_path: Path, folder: bool) -> None:
    clock = FakeClock()
    backend = await EmbeddedBackend.open(tmp_path if folder else None, replica="a", clock=clock)
    waiting = asyncio.create_task(backend.queues.receive("q", visibility=10))
    await backend.queues.send("q", [Outgoing(b"1", delay=3600)])
    await backend.queues.depth("q")
    await asyncio.sleep(0)
    await clock.advance(3601)
    async with asyncio.timeout(5):
        assert await waiting is not None
    await backend.close()


async def test_what_became_due_while_the_machine_slept_comes_soon_after(tmp_path: Path) -> None:
    clock = FakeClock()
    backend = await _open(tmp_path, clock)
    waiting = asyncio.create_task(backend.queues.receive("q", visibility=10))
    await backend.queues.send("q", [Outgoing(b"1", delay=3600)])
    await backend.queues.depth("q")
    clock._now += 3601  # No timer hears of it, as when a laptop wakes up.
    async with asyncio.timeout(4):
        assert await waiting is not None
    await backend.close()
