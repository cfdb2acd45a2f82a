"""Who is served next: the dispatch queue, which holds the keys of ready messages.

Belongs here: standing in line and leaving it. Not here: messages; a key that is lost here costs
time (the sweeper finds the message again), a key too many costs a look.

A receive stands in line by a poll that waits in the member which owns the dispatch queue; polls are
served in the order in which they came, keys in their own order (the member's DispatchOrder). A poll
that waits cannot be taken back, so one whose receive has been cancelled is kept for the next
receive of this process; a key that comes to it meanwhile goes back at once.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine, Sequence
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from hazelcast.asyncio import HazelcastClient, Queue
from hazelcast.errors import HazelcastError

from immutant.backoff import Backoff
from immutant.errors import StoreError
from immutant.grid.calls import Calls

__all__ = ["Line", "to_its_end"]

T = TypeVar("T")

_POLL: Final = 3600.0
"""Seconds after which a poll that got nothing takes a new place in line."""

_PAUSES: Final = Backoff(first=0.05, most=1.0)


class Line:
    """One queue's dispatch queue, as this process uses it."""

    def __init__(self, queue: str, keys: "Queue[str]", calls: Calls) -> None:
        """Use `open`."""
        self._what = f"the line of queue {queue!r}"
        self._keys = keys
        self._calls = calls
        self._random = Random()  # noqa: S311 - jitter
        self._spare: deque[asyncio.Task[str | None]] = deque()
        self._returning: set[asyncio.Task[None]] = set()
        self._closed = asyncio.Event()

    @classmethod
    async def open(cls, queue: str, client: HazelcastClient, calls: Calls) -> "Line":
        """The line of that queue."""
        name = f"dispatch.{queue}"
        keys: Queue[str] = await calls.read(f"queue {queue!r}", lambda: client.get_queue(name))
        return cls(queue, keys, calls)

    async def offer(self, keys: Sequence[str]) -> None:
        """Let the messages with these keys be received; twice does no harm.

        Raises:
            StoreError: The sweeper will have to do it.
        """
        if len(keys) == 1:
            await self._calls.repeat(self._what, partial(self._keys.offer, keys[0]))
        elif keys:
            await self._calls.repeat(self._what, partial(self._keys.add_all, list(keys)))

    async def next(self, timeout: float | None) -> str | None:
        """The key that is next, waiting for it; None after `timeout` seconds without one.

        Cancelling is safe: a key that was on its way is back before the cancellation ends.

        Raises:
            StoreError: The grid does not answer, or this replica has closed its connection.
        """
        if timeout is not None and timeout <= 0:
            return await self._next_now()
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        failures = 0
        while end is None or loop.time() < end:
            poll = self._spare.popleft() if self._spare else self._poll(_POLL)
            await self._served(poll, None if end is None else end - loop.time())
            if not poll.done():
                await to_its_end(self._lay_aside(poll))
                return None
            try:
                if (key := poll.result()) is not None:
                    return key
            except (HazelcastError, OSError):
                failures += 1
                await asyncio.sleep(_PAUSES.delay(failures, self._random))
        return None

    async def keys(self) -> set[str]:
        """The keys that nobody has taken yet."""
        return set(await self._calls.read(self._what, self._keys.iterator))

    async def length(self) -> int:
        """How many keys nobody has taken yet."""
        return int(await self._calls.read(self._what, self._keys.size))

    async def close(self) -> None:
        """End the waiting of all receives, and see what came last go back."""
        self._closed.set()
        if self._returning:
            await asyncio.wait(self._returning)

    async def _served(self, poll: "asyncio.Task[str | None]", timeout: float | None) -> None:
        closing = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait(
                {poll, closing}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            await to_its_end(self._lay_aside(poll))
            raise
        finally:
            closing.cancel()
        if self._closed.is_set():
            await to_its_end(self._lay_aside(poll))
            raise _closed()

    async def _next_now(self) -> str | None:
        while True:
            if self._closed.is_set():
                raise _closed()
            if self._returning:
                await asyncio.wait(self._returning)
            # Behind everything that was sent before, a spare poll's answer included.
            poll = self._poll(0.0)
            try:
                key = await asyncio.shield(poll)
            except asyncio.CancelledError:
                await to_its_end(self._lay_aside(poll))
                raise
            except (HazelcastError, OSError) as error:
                raise StoreError(f"{self._what} does not answer: {error}") from error
            if key is not None or not self._returning:
                return key

    def _poll(self, timeout: float) -> "asyncio.Task[str | None]":
        self._calls.check_open()
        return asyncio.ensure_future(self._keys.poll(timeout))

    async def _lay_aside(self, poll: "asyncio.Task[str | None]") -> None:
        """Keep the poll for the next receive, or give back what it has got."""
        if not poll.done():
            # Answers of one member come in order: what was taken before is here after this.
            try:
                await self.length()
            except StoreError:
                await asyncio.sleep(0)
        if poll.done():
            await self._give_back(poll)
        else:
            self._spare.append(poll)
            poll.add_done_callback(self._spare_served)

    def _spare_served(self, poll: "asyncio.Task[str | None]") -> None:
        if poll not in self._spare:
            return
        self._spare.remove(poll)
        if _key(poll) is not None:
            returning = asyncio.ensure_future(self._give_back(poll))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)

    async def _give_back(self, poll: "asyncio.Task[str | None]") -> None:
        """Put back the key that a poll got for nobody; if that fails, the sweeper does it."""
        key = _key(poll)
        if key is not None:
            with contextlib.suppress(StoreError):
                await self.offer([key])


def _closed() -> StoreError:
    return StoreError("this replica has closed its connection to the grid")


def _key(poll: "asyncio.Task[str | None]") -> str | None:
    """What a poll that is done has got."""
    return None if poll.cancelled() or poll.exception() is not None else poll.result()


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Await the work to its end; when cancelled meanwhile, be cancelled only then."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()
