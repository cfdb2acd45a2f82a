"""The threads on which a file's SQL runs, so that the event loop never waits for a disk.

Belongs here: one thread with its queue of work, and handing results back to the loop. Not here:
what a batch of work means for the database (`fileengine`).
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

from immutant.embedded.bell import Bell
from immutant.embedded.engine import CLOSED
from immutant.embedded.transaction import Transaction, Work
from immutant.errors import StoreError

__all__ = ["Batch", "Job", "Worker"]

T = TypeVar("T")

_LONGEST_BATCH = 256


class Job(Generic[T]):
    """One piece of work, and what it came to until `settle` tells whoever awaits it."""

    __slots__ = ("_error", "_result", "_work", "future")

    def __init__(self, work: Work[T], future: "asyncio.Future[T]") -> None:
        self.future = future
        self._work = work
        self._result: T
        self._error: Exception | None = None

    def run(self, transaction: Transaction) -> None:
        """Do the work; may be repeated when the transaction came to nothing."""
        self._error = None
        self._result = self._work(transaction)

    def fail(self, error: Exception) -> None:
        """It came to nothing."""
        self._error = error

    def settle(self) -> None:
        """Tell who awaits it, in the event loop; they may have been cancelled meanwhile."""
        if self.future.done():
            return
        if self._error is not None:
            self.future.set_exception(self._error)
        else:
            self.future.set_result(self._result)


Batch = Callable[[Sequence[Job[Any]]], Collection[str]]
"""Runs jobs together, in order; returns the topics to ring in this process. Never raises."""


class Worker:
    """A thread that runs the jobs it is given, in order, as many at once as have gathered."""

    def __init__(self, name: str, run_batch: Batch, bell: Bell) -> None:
        self._run_batch = run_batch
        self._bell = bell
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def submit(self, work: Work[T]) -> T:
        """Run the work; it is skipped if its caller is cancelled before it begins."""
        if self._closed:
            raise StoreError(CLOSED)
        future: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(Job(work, future))
        return await future

    async def stop(self) -> None:
        """Finish what was submitted and end the thread."""
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while batch := self._gather():
            topics = self._run_batch([job for job in batch if not job.future.cancelled()])
            # Without its loop nobody awaits anything: the process is about to end.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._publish, batch, topics)

    def _gather(self) -> list[Job[Any]]:
        """Wait for a job and take those that have come besides; empty at the end."""
        batch: list[Job[Any]] = []
        while not batch or (len(batch) < _LONGEST_BATCH and not self._jobs.empty()):
            job = self._jobs.get()
            if job is None:
                if batch:
                    # Nothing comes behind it: it ends this batch, and then the thread.
                    self._jobs.put(None)
                break
            batch.append(job)
        return batch

    def _publish(self, batch: Sequence[Job[Any]], topics: Collection[str]) -> None:
        for job in batch:
            job.settle()
        self._bell.ring(topics)
