"""Values that are written once for good: whoever comes first has decided for everybody.

Belongs here: making sure that all are told the same value, although answers get lost and owners
die. Not here: what is decided (`batches`, `backend`).
"""

from hazelcast.asyncio import Map

from immutant.grid.calls import Calls
from immutant.grid.client import packed, unpacked
from immutant.grid.processors import CompareAndSwap

__all__ = ["first"]


async def first(
    calls: Calls, values: "Map[str, bytearray]", key: str, value: bytes, ttl: float, what: str
) -> bytes:
    """Write the value unless there is one; the one that holds, once all owners have it.

    Args:
        calls: How the grid is called.
        values: Where it is kept.
        key: Under which key.
        value: What to write if nobody has yet.
        ttl: For how many seconds it is kept; 0: for ever.
        what: Its name for errors.

    Raises:
        UncertainWriteError: One of the two may or may not be there.
    """
    wanted = packed(value)

    async def write() -> bytes:
        while True:
            there: bytearray | None = await values.put_if_absent(key, wanted, ttl=ttl)
            if there is None:
                return value
            # It may be on one owner only, written by a call whose answer was lost. If that owner
            # dies first, there is nothing to swap, and all begins anew.
            if await values.execute_on_key(key, CompareAndSwap(there, there, round(ttl * 1000))):
                return unpacked(there, what)

    return await calls.repeat(what, write)
