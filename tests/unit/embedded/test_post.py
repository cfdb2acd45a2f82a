"""Wake-ups between processes that cannot be delivered just so."""

import asyncio
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from immutant.embedded.bell import Bell
from immutant.embedded.post import Post
from immutant.errors import UnusableStateError


@pytest.fixture
async def folder(tmp_path_factory: Any) -> Path:
    return Path(tmp_path_factory.mktemp("s")) / "private" / "x"


async def test_a_full_buffer_loses_no_wake_up(folder: Path) -> None:
    bells = [Bell(), Bell()]
    sender, receiver = Post(folder, "1-a", bells[0]), Post(folder, "2-b", bells[1])
    with bells[1].listening("topic:last") as rung:
        for number in range(2000):  # All at once: the receiver has no turn to read meanwhile.
            assert sender.deliver({"2-b": {f"topic:{number}"}}) == ()
        sender.deliver({"2-b": {"topic:last"}})
        async with asyncio.timeout(0.5):
            await rung.wait()
    await sender.close()
    await receiver.close()
    assert not os.path.exists(folder)  # noqa: ASYNC240, PTH110


async def test_the_socket_of_a_dead_process_is_removed(folder: Path) -> None:
    sender = Post(folder, "1-a", Bell())
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(folder / "2-b"))
    dead.close()
    sender.deliver({"2-b": {"topic:x"}, "3-c": {"topic:x"}})
    assert not (folder / "2-b").exists()
    await sender.close()


async def test_what_is_no_process_of_the_store_is_left_alone(folder: Path) -> None:
    post = Post(folder, "1-a", Bell())
    (folder / "2-b").touch()
    (folder / "demo-0.app.lock").touch()
    other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    other.bind(str(folder / "demo-0.web.sock"))
    other.close()
    post.deliver({"2-b": {"topic:x"}})
    await post.close()
    assert sorted(os.listdir(folder)) == ["2-b", "demo-0.app.lock", "demo-0.web.sock"]  # noqa: PTH208


async def test_a_folder_open_to_others_is_refused(folder: Path) -> None:
    os.makedirs(folder)  # noqa: PTH103
    os.chmod(folder, 0o755)  # noqa: PTH101
    with pytest.raises(UnusableStateError, match="others cannot enter"):
        Post(folder, "1-a", Bell())


async def test_the_last_process_leaves_nothing(folder: Path) -> None:
    first, last = Post(folder, "1-a", Bell()), Post(folder, "2-b", Bell())
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    dead.bind(str(folder / "3-d"))
    dead.close()
    (folder / "3-d.missed").touch()
    await first.close()
    assert (folder / "2-b").exists()
    await last.close()
    assert not os.path.exists(folder)  # noqa: ASYNC240, PTH110


async def test_more_topics_than_a_letter_holds_wake_everybody(folder: Path) -> None:
    bells = [Bell(), Bell()]
    sender, receiver = Post(folder, "1-a", bells[0]), Post(folder, "2-b", bells[1])
    with bells[1].listening("any") as rung:
        sender.deliver({"2-b": {f"topic:{number}" * 10 for number in range(2000)}})
        async with asyncio.timeout(0.5):
            await rung.wait()
    await sender.close()
    await receiver.close()


async def test_a_folder_that_was_cleared_away_is_made_again(folder: Path) -> None:
    bells = [Bell(), Bell()]
    sender, receiver = Post(folder, "1-a", bells[0]), Post(folder, "2-b", bells[1])
    shutil.rmtree(folder)
    receiver.mend()
    with bells[1].listening("t") as rung:
        sender.deliver({"2-b": {"t"}})
        async with asyncio.timeout(0.5):
            await rung.wait()
    await sender.close()
    await receiver.close()


async def test_a_folder_that_could_not_be_made_again_is_made_when_it_can_be(folder: Path) -> None:
    bell = Bell()
    sender, receiver = Post(folder, "1-a", Bell()), Post(folder, "2-b", bell)
    shutil.rmtree(folder)
    os.makedirs(folder)  # noqa: PTH103
    os.chmod(folder, 0o755)  # noqa: PTH101
    for _ in range(2):
        with pytest.raises(UnusableStateError):
            receiver.mend()
    os.chmod(folder, 0o700)  # noqa: PTH101
    receiver.mend()
    with bell.listening("t") as rung:
        sender.deliver({"2-b": {"t"}})
        async with asyncio.timeout(0.5):
            await rung.wait()
    await sender.close()
    await receiver.close()
