"""Files that are not ours, or no longer."""

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from immutant.embedded import EmbeddedBackend
from immutant.errors import StoreError


def _text(path: Path) -> None:
    path.write_text("Dear diary, " * 1000)


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE diary (entry TEXT)")
    connection.commit()
    connection.close()


def _foreign_with_log(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE diary (entry TEXT)")
    connection.close()


def _overwrite(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:40960] = b"\xa5" * 32768
    path.write_bytes(content)


async def _newer(path: Path) -> None:
    await (await EmbeddedBackend.open(path.parent, replica="a")).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()


async def _damaged(path: Path) -> None:
    backend = await EmbeddedBackend.open(path.parent, replica="a")
    await backend.caches.put_many("c", {str(n): b"x" * 100 for n in range(2000)}, None)
    await backend.close()
    _overwrite(path)


async def _truncated(path: Path) -> None:
    await _damaged(path)
    os.truncate(path, 20000)


@pytest.mark.parametrize("make", [_text, _foreign, _foreign_with_log, _newer, _damaged, _truncated])
async def test_what_cannot_be_used_is_refused_and_left_as_it_is(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "state.db"
    made = make(path)
    if made is not None:
        await made
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        await EmbeddedBackend.open(tmp_path, replica="a")
    assert str(path) in str(caught.value)
    assert "--state" in str(caught.value)
    assert path.read_bytes() == before


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    backend = await EmbeddedBackend.open(tmp_path, replica="a")
    await backend.caches.put("c", "key", b"1", None)
    await backend.close()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=str(tmp_path / "file" / "state")):
        await EmbeddedBackend.open(tmp_path / "file" / "state", replica="a")


async def test_what_was_written_is_there_at_the_next_open(tmp_path: Path) -> None:
    for number in range(3):
        backend = await EmbeddedBackend.open(tmp_path / "new" / "folder", replica="a")
        assert await backend.caches.size("c") == number
        await backend.caches.put("c", f"{number}", b"1", None)
        secret = await backend.secret("s")
        await backend.close()
    backend = await EmbeddedBackend.open(tmp_path / "new" / "folder", replica="a")
    assert await backend.secret("s") == secret
    assert await backend.secret("other") != secret
    await backend.close()


@pytest.mark.parametrize("name", ["state.db", "state.db-wal"])
async def test_a_file_replaced_under_a_running_process_is_noticed(
    tmp_path: Path, name: str
) -> None:
    backend = await EmbeddedBackend.open(tmp_path, replica="a")
    await backend.caches.put("c", "key", b"1", None)
    (tmp_path / name).rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="restart"):
        await backend.caches.put("c", "key", b"2", None)
    with pytest.raises(StoreError, match="restart"):
        await backend.caches.get("c", "key")
    (tmp_path / "elsewhere").rename(tmp_path / name)
    assert await backend.caches.get("c", "key") == b"1"
    await backend.close()


async def test_a_closed_backend_refuses_work(tmp_path: Path) -> None:
    backend = await EmbeddedBackend.open(tmp_path, replica="a")
    await backend.close()
    await backend.close()
    with pytest.raises(StoreError, match="closed"):
        await backend.caches.get("c", "key")
    with pytest.raises(StoreError, match="closed"):
        await backend.join("b")


async def test_a_joined_replica_outlives_the_one_it_joined(tmp_path: Path) -> None:
    first = await EmbeddedBackend.open(tmp_path, replica="a")
    second = await first.join("a")
    await first.close()
    await second.caches.put("c", "key", b"1", None)
    await second.close()
    assert list((tmp_path / "locks").iterdir()) == [tmp_path / "locks" / "writer"]


async def test_other_users_cannot_read_the_store(tmp_path: Path) -> None:
    backend = await EmbeddedBackend.open(tmp_path / "new", replica="a")
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700  # noqa: PTH116
    await backend.close()
