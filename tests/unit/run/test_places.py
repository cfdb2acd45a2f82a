import asyncio
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from immutant.embedded import EmbeddedBackend
from immutant.errors import ConfigurationError, NotRunningError
from immutant.filelock import hold
from immutant.run.client import ask
from immutant.run.places import NOTE, announced, claim
from immutant.stores import Outgoing


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:  # tmp_path is too long a path for sockets
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_sockets_have_a_folder_that_others_cannot_enter(tmp_path: Path) -> None:
    with claim(tmp_path / "state") as places:
        for folder in (places.sockets, places.sockets.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not places.sockets.exists()


def test_the_same_state_folder_has_the_same_sockets_and_another_has_others(tmp_path: Path) -> None:
    with claim(tmp_path / "a") as first:
        pass
    with claim(tmp_path / "b" / ".." / "a") as again, claim(tmp_path / "c") as other:
        assert again.sockets == first.sockets != other.sockets


def test_two_runs_cannot_share_a_state_folder(tmp_path: Path) -> None:
    with claim(tmp_path), pytest.raises(ConfigurationError, match="immutant shutdown --state"):
        claim(tmp_path).__enter__()
    with claim(tmp_path):
        pass


def test_a_run_that_was_killed_leaves_its_state_folder_free(tmp_path: Path) -> None:
    die = "import os, sys, pathlib; from immutant.run.places import claim\n"
    die += "claim(pathlib.Path(sys.argv[1])).__enter__(); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", die, str(tmp_path)], check=False)
    with claim(tmp_path):
        pass


def test_a_state_folder_that_cannot_be_made_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"cannot be written .*--state DIR"):
        claim(tmp_path / "file" / "state").__enter__()


def test_a_socket_folder_open_to_others_is_refused(tmp_path: Path, temporary: Path) -> None:
    planted = temporary / f"immutant-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    with pytest.raises(ConfigurationError, match="others cannot enter"):
        claim(tmp_path).__enter__()


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with claim(tmp_path) as places, pytest.raises(ConfigurationError, match="shorter --name"):
        places.of("x" * 100, "web.sock")


def test_a_long_folder_for_temporary_files_is_not_used(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / ("x" * 60)))
    with claim(tmp_path) as places:
        assert len(str(places.of("demo-0", "web.sock"))) < 70


def test_every_name_that_is_allowed_fits_into_a_socket_s_path(tmp_path: Path) -> None:
    with claim(tmp_path) as places:
        assert len(str(places.of("x" * 40 + "-99", "link.sock"))) < 104


async def test_a_replica_that_leaves_the_store_leaves_the_run_s_files(tmp_path: Path) -> None:
    with claim(tmp_path) as places:
        app_lock = hold(places.of("demo-0", "app.lock"))
        staying = await EmbeddedBackend.open(tmp_path, replica="demo-0")
        leaving = await EmbeddedBackend.open(tmp_path, replica="demo-1")
        await leaving.close()
        assert app_lock.path.exists()
        await staying.close()
        assert app_lock.path.exists()


async def test_the_end_of_a_run_costs_nobody_else_a_wake_up(tmp_path: Path) -> None:
    with claim(tmp_path):
        receiving = await EmbeddedBackend.open(tmp_path, replica="one")
        sending = await EmbeddedBackend.open(tmp_path, replica="two")
        waiting = asyncio.create_task(receiving.queues.receive("q", visibility=600))
        await receiving.queues.depth("q")
    async with asyncio.timeout(0.5):  # less than the second after which they look by themselves
        await sending.queues.send("q", [Outgoing(b"1")])
        assert await waiting is not None
    await sending.close()
    await receiving.close()


def test_commands_find_a_run_only_while_it_is_announced(tmp_path: Path) -> None:
    with claim(tmp_path) as places, announced(places):
        assert str(places.control) in (tmp_path / NOTE).read_text()
    with pytest.raises(NotRunningError, match=r"start one with `immutant run app\.py`"):
        ask(tmp_path, "gears")
