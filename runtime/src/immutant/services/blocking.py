"""Facades for plain `def` functions, which run in threads.

Belongs here: sending a call to the application's loop and waiting for it, with the caller's context
variables, so that a call made for a tenure is fenced as one. The methods promise what those of the
same name promise; see there.
"""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from immutant.calls import waiting
from immutant.durations import Duration
from immutant.errors import BlockingCallError, NotRunningError
from immutant.link import JobStatus, TickRun
from immutant.running import Binding, Replica
from immutant.services.messages import DeadLetter
from immutant.stores import QueueDepth
from immutant.values import Value

if TYPE_CHECKING:
    from immutant.services.cache import Cache
    from immutant.services.job import Job
    from immutant.services.queue import Queue
    from immutant.services.topic import Topic

__all__ = ["BlockingCache", "BlockingJob", "BlockingQueue", "BlockingTopic", "wait_for"]

P = ParamSpec("P")
T = TypeVar("T")


def wait_for(replica: Replica, call: Callable[[], Awaitable[T]], what: str) -> T:
    """Run the call on the replica's loop with this thread's context, and wait for it.

    Raises:
        BlockingCallError: This is the loop's own thread, which would wait for itself.
    """
    if threading.get_ident() == replica.thread:
        raise BlockingCallError(
            f"{what}: `.blocking` was used on the event loop's own thread, where waiting would "
            "stop everything; in an `async def` await the method itself, without `.blocking`"
        )
    result: Future[T] = Future()

    async def run() -> None:
        try:
            result.set_result(await call())
        except asyncio.CancelledError:
            result.cancel()
            raise
        except BaseException as error:
            result.set_exception(error)

    context = contextvars.copy_context()
    tasks: set[asyncio.Task[None]] = set()

    def begin() -> None:
        tasks.add(replica.loop.create_task(run(), context=context))

    try:
        replica.loop.call_soon_threadsafe(begin)
    except RuntimeError as error:
        raise NotRunningError(
            f"{what}: `.blocking` was used after the application ended"
        ) from error
    with waiting():
        return result.result()


class _Blocking:
    def __init__(self, binding: Binding, what: str) -> None:
        self._binding = binding
        self._what = what

    def _wait(self, call: Callable[P, Awaitable[T]], *args: P.args, **options: P.kwargs) -> T:
        replica = self._binding.current(self._what)
        return wait_for(replica, lambda: call(*args, **options), self._what)


class BlockingCache(_Blocking):
    """`Cache` for threads."""

    def __init__(self, cache: "Cache", binding: Binding, what: str) -> None:
        super().__init__(binding, what)
        self._cache = cache

    def get(self, key: str, default: Value = None) -> Value:
        """See `Cache.get`."""
        return self._wait(self._cache.get, key, default)

    def get_many(self, keys: Sequence[str]) -> dict[str, Value]:
        """See `Cache.get_many`."""
        return self._wait(self._cache.get_many, keys)

    def contains(self, key: str) -> bool:
        """See `Cache.contains`."""
        return self._wait(self._cache.contains, key)

    def put(self, key: str, value: Value, *, ttl: Duration | None = None) -> None:
        """See `Cache.put`."""
        self._wait(self._cache.put, key, value, ttl=ttl)

    def put_many(self, values: Mapping[str, Value], *, ttl: Duration | None = None) -> None:
        """See `Cache.put_many`."""
        self._wait(self._cache.put_many, values, ttl=ttl)

    def put_if_absent(self, key: str, value: Value, *, ttl: Duration | None = None) -> bool:
        """See `Cache.put_if_absent`."""
        return self._wait(self._cache.put_if_absent, key, value, ttl=ttl)

    def replace(self, key: str, old: Value, new: Value, *, ttl: Duration | None = None) -> bool:
        """See `Cache.replace`."""
        return self._wait(self._cache.replace, key, old, new, ttl=ttl)

    def remove(self, key: str) -> bool:
        """See `Cache.remove`."""
        return self._wait(self._cache.remove, key)

    def increment(
        self, key: str, by: float = 1, *, initial: float = 0, ttl: Duration | None = None
    ) -> Value:
        """See `Cache.increment`."""
        return self._wait(self._cache.increment, key, by, initial=initial, ttl=ttl)

    def update(
        self,
        key: str,
        change: Callable[[Value], Value],
        *,
        default: Value = None,
        ttl: Duration | None = None,
    ) -> Value:
        """See `Cache.update`; `change` runs on the loop and must only compute."""
        return self._wait(self._cache.update, key, change, default=default, ttl=ttl)

    def entries(self) -> dict[str, Value]:
        """See `Cache.entries`."""
        return self._wait(self._cache.entries)

    def local_entries(self) -> dict[str, Value]:
        """See `Cache.local_entries`."""
        return self._wait(self._cache.local_entries)

    def some(self, limit: int) -> dict[str, Value]:
        """See `Cache.some`."""
        return self._wait(self._cache.some, limit)

    def owners(self, key: str) -> list[str]:
        """See `Cache.owners`."""
        return self._wait(self._cache.owners, key)

    def size(self) -> int:
        """See `Cache.size`."""
        return self._wait(self._cache.size)

    def clear(self) -> None:
        """See `Cache.clear`."""
        self._wait(self._cache.clear)


class BlockingQueue(_Blocking):
    """`Queue` for threads."""

    def __init__(self, queue: "Queue", binding: Binding, what: str) -> None:
        super().__init__(binding, what)
        self._queue = queue

    def send(
        self,
        body: Value,
        *,
        priority: int | str = "normal",
        delay: Duration = 0.0,
        ttl: Duration | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """See `Queue.send`."""
        return self._wait(
            self._queue.send, body, priority=priority, delay=delay, ttl=ttl, headers=headers
        )

    def send_many(
        self,
        bodies: Sequence[Value],
        *,
        priority: int | str = "normal",
        delay: Duration = 0.0,
        ttl: Duration | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> list[str]:
        """See `Queue.send_many`."""
        return self._wait(
            self._queue.send_many, bodies, priority=priority, delay=delay, ttl=ttl, headers=headers
        )

    def depth(self) -> QueueDepth:
        """See `Queue.depth`."""
        return self._wait(self._queue.depth)

    def dead(self, limit: int = 100) -> list[DeadLetter]:
        """See `Queue.dead`."""
        return self._wait(self._queue.dead, limit)

    def replay(self, ids: Sequence[str] | None = None) -> int:
        """See `Queue.replay`."""
        return self._wait(self._queue.replay, ids)

    def discard(self, ids: Sequence[str] | None = None) -> int:
        """See `Queue.discard`."""
        return self._wait(self._queue.discard, ids)


class BlockingTopic(_Blocking):
    """`Topic` for threads."""

    def __init__(self, topic: "Topic", binding: Binding, what: str) -> None:
        super().__init__(binding, what)
        self._topic = topic

    def publish(self, body: Value, *, headers: Mapping[str, str] | None = None) -> None:
        """See `Topic.publish`."""
        self._wait(self._topic.publish, body, headers=headers)


class BlockingJob(_Blocking):
    """`Job` for threads."""

    def __init__(self, job: "Job", binding: Binding, what: str) -> None:
        super().__init__(binding, what)
        self._job = job

    def pause(self) -> None:
        """See `Job.pause`."""
        self._wait(self._job.pause)

    def resume(self) -> None:
        """See `Job.resume`."""
        self._wait(self._job.resume)

    def unschedule(self) -> None:
        """See `Job.unschedule`."""
        self._wait(self._job.unschedule)

    def trigger(self, *, key: str | None = None) -> str:
        """See `Job.trigger`."""
        return self._wait(self._job.trigger, key=key)

    def backfill(
        self, since: datetime | float, until: datetime | float, *, key: str | None = None
    ) -> None:
        """See `Job.backfill`."""
        self._wait(self._job.backfill, since, until, key=key)

    def status(self) -> JobStatus:
        """See `Job.status`."""
        return self._wait(self._job.status)

    def runs(self) -> tuple[TickRun, ...]:
        """See `Job.runs`."""
        return self._wait(self._job.runs)
