import asyncio
import json
from typing import Any

import pytest

from immutant.errors import StoreError
from immutant.kube.watch import WatchStream


class Lines:
    """What a stream gives, line by line."""

    def __init__(self, *lines: object) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        for line in lines:
            self.put(line)

    def put(self, line: object) -> None:
        self.queue.put_nowait(line if isinstance(line, bytes) else json.dumps(line).encode())

    async def readline(self) -> bytes:
        return await self.queue.get()


def event(version: int, kind: str = "MODIFIED") -> dict[str, Any]:
    return {"type": kind, "object": {"metadata": {"resourceVersion": str(version)}}}


def watch(lines: Any, patience: float = 0.05) -> WatchStream:
    return WatchStream(lines, 10, patience)


async def versions(stream: WatchStream) -> list[int]:
    return [int(found["metadata"]["resourceVersion"]) async for _, found in stream.events()]


async def test_it_tells_what_comes_and_how_far_it_has_come() -> None:
    stream = watch(Lines(event(11), event(14, "BOOKMARK"), b""))
    assert await versions(stream) == [11, 14]
    assert stream.reached == 14


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (event(9), "went back from version 10 to 9"),
        ({"type": "ERROR", "object": {"message": "too old"}}, "ended the watch: too old"),
        (b"{", "no event of a watch"),
        ([], "no event of a watch"),
    ],
)
async def test_what_breaks_the_order_is_an_error(line: object, said: str) -> None:
    with pytest.raises(StoreError, match=said):
        await versions(watch(Lines(line)))


async def test_a_watch_that_does_not_show_ones_own_write_hangs() -> None:
    stream = watch(Lines())
    stream.expect(11)
    async with asyncio.timeout(2):
        with pytest.raises(StoreError, match="hangs"):
            await versions(stream)


async def test_a_write_that_comes_by_in_time_is_no_reason_to_worry() -> None:
    lines = Lines()
    stream = watch(lines)
    reading = asyncio.create_task(versions(stream))
    stream.expect(11)
    stream.expect(10)
    lines.put(event(11))
    await asyncio.sleep(0.2)  # longer than its patience: nothing may happen
    assert not reading.done()
    lines.put(b"")
    assert await reading == [11]


async def test_it_is_noticed_also_where_the_reader_is_busy_meanwhile() -> None:
    stream = watch(Lines(event(11)), patience=0.0)
    events = stream.events()
    await anext(events)
    stream.expect(12)
    await asyncio.sleep(0.02)  # the reader's own work; the patience ends meanwhile
    async with asyncio.timeout(2):
        with pytest.raises(StoreError, match="hangs"):
            await anext(events)
