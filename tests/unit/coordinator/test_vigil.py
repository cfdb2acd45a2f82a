import asyncio
import logging
from pathlib import Path

from immutant import filelock
from immutant.coordinator.vigil import Vigil


async def test_the_release_of_the_lock_is_the_death_of_the_process(tmp_path: Path) -> None:
    dead: asyncio.Queue[str] = asyncio.Queue()
    lock = filelock.hold(tmp_path / "app.lock")
    vigil = Vigil(lock.path, dead.put_nowait)
    vigil.keep("one")
    vigil.keep("one")
    await asyncio.to_thread(lock.release)
    async with asyncio.timeout(5):
        assert await dead.get() == "one"
    assert dead.empty()


async def test_a_lock_file_that_was_removed_proves_no_death(tmp_path: Path) -> None:
    warnings: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            loop.call_soon_threadsafe(warnings.put_nowait, record.getMessage())

    dead: list[str] = []
    logger, listener = logging.getLogger("immutant.coordinator.vigil"), Listener()
    logger.addHandler(listener)
    try:
        Vigil(tmp_path / "app.lock", dead.append).keep("one")
        async with asyncio.timeout(5):
            assert "was removed" in await warnings.get()
    finally:
        logger.removeHandler(listener)
    assert dead == []
