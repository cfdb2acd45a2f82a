"""What the lease store saw of jobs: every claim, in order, heard by a watch of its own.

Belongs here: following the store from outside. Not here: what is right of it (`test_ticks`).
"""

import asyncio
import threading
from collections import defaultdict
from pathlib import Path
from typing import Self

from immutant.clock import SystemClock
from immutant.election.jobstate import JobState
from immutant.embedded import EmbeddedBackend
from immutant.leases import Lease, LeaseStore

__all__ = ["Claim", "Claims", "by_tick"]

_PATIENCE = 20.0
_POLL = 0.02

Claim = tuple[str, int, int]
"""The job, when the tick was due in milliseconds since the epoch, the attempt."""


class Claims:
    """Follows a state folder while the context is open, and up to its last change then.

    Attributes:
        made: Every claim, in order; those first that were open when the context began.
        open: The ticks that are open now, by job.
        since: When it began to follow, on the boot clock.
    """

    def __init__(self, folder: Path) -> None:
        self.made: list[Claim] = []
        self._seen: dict[str, list[Lease]] = defaultdict(list)
        self.open: dict[str, Claim] = {}
        self.since = 0.0
        self._folder = folder
        self._version = 0
        self._following = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._following.wait(_PATIENCE)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        backend = await EmbeddedBackend.open(self._folder, replica="watcher")
        watching = asyncio.create_task(self._watch(backend.leases))
        await self._end.wait()
        newest = (await backend.leases.snapshot()).version
        while self._version < newest and not watching.done():  # noqa: ASYNC110 - seldom and short
            await asyncio.sleep(_POLL)
        watching.cancel()
        await asyncio.wait({watching})
        await backend.close()

    async def _watch(self, leases: LeaseStore) -> None:
        snapshot = await leases.snapshot()
        for lease in snapshot.leases:
            self._note(lease)
        self._version = snapshot.version
        self.since = SystemClock().now()
        self._following.set()
        async for event in leases.watch(snapshot.version):
            if event.lease is not None:
                self._note(event.lease)
            self._version = event.version

    def around(self, tick: tuple[str, int]) -> list[str]:
        """The job's lease in the versions about those in which a tick was open, for a failure."""
        job, due = tick
        opened = [
            index
            for index, lease in enumerate(self._seen[job])
            if (claim := _claimed(job, lease.body)) is not None and claim[1] == due
        ]
        return [str(lease) for lease in self._seen[job][max(0, opened[0] - 2) : opened[-1] + 3]]

    def _note(self, lease: Lease) -> None:
        _app, kind, job = lease.name.split(".", 2)
        if kind != "job":
            return
        self._seen[job].append(lease)
        claim = _claimed(job, lease.body)
        if claim is None:
            self.open.pop(job, None)
        elif self.open.get(job) != claim:
            self.open[job] = claim
            self.made.append(claim)


def _claimed(job: str, body: str) -> Claim | None:
    """The claim that stands in a job's lease: of jobs that do not overlap there is one at most."""
    state = JobState.from_body(body)
    assert state is not None or not body, body
    ticks = state.ticks if state is not None else ()
    assert len(ticks) <= 1, body
    return next(((job, round(one.due * 1000), one.attempt) for one in ticks), None)


def by_tick(claims: list[Claim]) -> dict[tuple[str, int], list[int]]:
    """The attempts at each tick, in the order of their claims."""
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for job, due, attempt in claims:
        found[job, due].append(attempt)
    return found
