"""Running work on a file that other processes use too.

Belongs here: group commit, and what a failure does to a group. Not here: threads (`workers`),
turns (`turnstile`), the file itself (`connection`).

Writes that gather while another is being committed share the next transaction, each in a
savepoint: one that raises is undone alone. A call returns after the commit. Reads have a
connection and a thread of their own and wait for no writer.
"""

import asyncio
import sqlite3
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

from immutant.embedded.bell import Bell
from immutant.embedded.failures import store_error
from immutant.embedded.file import OpenFile
from immutant.embedded.owners import addressees
from immutant.embedded.post import Post
from immutant.embedded.transaction import Transaction, Work
from immutant.embedded.workers import Job, Worker

__all__ = ["FileEngine"]

T = TypeVar("T")
Jobs = Sequence[Job[Any]]


class FileEngine:
    """The engine of a state file; see `immutant.embedded.engine.Engine`."""

    def __init__(self, file: OpenFile, post: Post, bell: Bell) -> None:
        self._file = file
        self._post = post
        self._writing = Worker("immutant-writer", self._write_batch, bell)
        self._reading = Worker("immutant-reader", self._read_batch, bell)

    async def write(self, work: Work[T]) -> T:
        return await self._writing.submit(work)

    async def read(self, work: Work[T]) -> T:
        return await self._reading.submit(work)

    async def close(self) -> None:
        await self._reading.stop()
        await self._writing.stop()
        await asyncio.to_thread(self._file.close)

    def _write_batch(self, jobs: Jobs) -> Collection[str]:
        begun = False
        try:
            with self._file.turnstile, self._file.writer.writing() as transaction:
                begun = True
                for job in jobs:
                    self._write_step(transaction, job)
                topics = addressees(transaction)
        except Exception as error:
            if begun and len(jobs) > 1:
                # Nothing was stored. One by one, so that it fails for the guilty one alone.
                return {topic for job in jobs for topic in self._write_batch([job])}
            for job in jobs:
                job.fail(error)
            return ()
        return self._post.deliver(topics)

    def _write_step(self, transaction: Transaction, job: Job[Any]) -> None:
        try:
            with self._file.writer.step(transaction):
                job.run(transaction)
        except sqlite3.Error as error:
            if not self._file.writer.in_transaction:
                raise
            job.fail(store_error(error, self._file.writer.path))
        except Exception as error:
            job.fail(error)

    def _read_batch(self, jobs: Jobs) -> Collection[str]:
        try:
            with self._file.reader.reading() as transaction:
                for job in jobs:
                    self._read_step(transaction, job)
        except Exception as error:
            for job in jobs:
                job.fail(error)
        return ()

    def _read_step(self, transaction: Transaction, job: Job[Any]) -> None:
        try:
            job.run(transaction)
        except sqlite3.Error as error:
            job.fail(store_error(error, self._file.reader.path))
        except Exception as error:
            job.fail(error)
