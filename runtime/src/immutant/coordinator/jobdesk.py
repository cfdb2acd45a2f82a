"""Jobs as any member sees and commands them, whoever holds them (rule 12).

Belongs here: reading a job's lease, and the compare-and-swap that changes its body and nothing
else. Not here: what a command makes of a state (`immutant.election.commands`), and what the job's
holder does about it, which sees the change on its watch.

A command leaves holder, nonce, release and write-id as they stand. So it neither takes nor prolongs
anything, and a holder whose reply was lost still finds its own write in the record.
"""

import asyncio
from dataclasses import replace

from immutant.clock import Clock
from immutant.contract.timings import Timings
from immutant.election import singleton_lease
from immutant.election.commands import commanded
from immutant.election.jobstate import Asked, JobState, OpenTick, Run, tick_id
from immutant.errors import ConflictError, CoordinatorError, StoreError
from immutant.leases import Lease, LeaseStore
from immutant.link import Command, JobStatus, TickRun

__all__ = ["JobDesk"]

_PATIENCE = 5.0
"""Seconds within which a command is written and known to be."""


class JobDesk:
    """The jobs of one application."""

    def __init__(self, app: str, store: LeaseStore, clock: Clock, timings: Timings) -> None:
        self._app = app
        self._store = store
        self._clock = clock
        self._timings = timings

    async def all(self) -> list[JobStatus]:
        """What is known of every job that was ever held.

        Raises:
            CoordinatorError: The leases cannot be read now.
        """
        prefix = singleton_lease(self._app, "job", "")
        try:
            async with asyncio.timeout(2 * self._timings.api_timeout):
                leases = (await self._store.snapshot()).leases
        except (StoreError, TimeoutError) as error:
            raise CoordinatorError(f"the leases cannot be read now: {error}") from error
        jobs = sorted(
            (one for one in leases if one.name.startswith(prefix)), key=lambda one: one.name
        )
        return [
            _status(lease.name.removeprefix(prefix), lease, state)
            for lease in jobs
            if (state := JobState.from_body(lease.body))
        ]

    async def status(self, name: str) -> JobStatus:
        """What is known of one job.

        Raises:
            CoordinatorError: Nobody has held it yet, or its lease cannot be read now.
        """
        return _status(name, *await self._read(name))

    async def command(self, name: str, command: Command) -> JobStatus:
        """Write a command into the job's lease.

        Raises:
            RequestRefusedError: It cannot be done.
            CoordinatorError: The job cannot be commanded now, or the write could not be settled.
        """
        said, deadline = "its lease changes all the time", self._clock.now() + _PATIENCE
        while self._clock.now() < deadline:
            lease, state = await self._read(name)
            if not JobState.takes_commands(lease.body):
                raise CoordinatorError(
                    f"job {name!r} is held by the version before, which knows no commands; "
                    "try again when the update of the application is over"
                )
            wanted = commanded(state, command, await self._wall())
            if wanted == state:
                return _status(name, lease, state)
            try:
                async with asyncio.timeout(self._timings.api_timeout):
                    await self._store.write(replace(lease, body=wanted.to_body()), lease.version)
            except ConflictError:
                continue
            except (StoreError, TimeoutError) as error:
                # Whether it landed, the next reading tells: a command that did is none any more.
                said = str(error) or "the lease store does not answer"
                await self._clock.sleep(self._timings.renew_period / 4)
            else:
                return _status(name, lease, wanted)
        raise CoordinatorError(
            f"it is not known whether job {name!r} has the command: {said}; ask again"
        )

    async def _read(self, name: str) -> tuple[Lease, JobState]:
        try:
            async with asyncio.timeout(self._timings.api_timeout):
                lease = await self._store.read(singleton_lease(self._app, "job", name))
        except (StoreError, TimeoutError) as error:
            raise CoordinatorError(f"job {name!r} cannot be read now: {error}") from error
        state = JobState.from_body(lease.body) if lease is not None and lease.holder else None
        if lease is None or state is None:
            raise CoordinatorError(
                f"no replica has held a job {name!r} so far: check its name "
                "(GET /v1/jobs lists those that were held), or try again"
            )
        return lease, state

    async def _wall(self) -> float:
        try:
            return await self._store.wall()
        except StoreError as error:
            raise CoordinatorError(f"the calendar cannot be read now: {error}") from error


def _status(name: str, lease: Lease, state: JobState) -> JobStatus:
    return JobStatus(
        name,
        paused=state.paused,
        unscheduled=state.unscheduled,
        ticks=state.count,
        open=tuple(_open(name, one) for one in state.ticks),
        runs=tuple(_run(name, one) for one in state.runs),
        asked=tuple(_asked(name, one) for one in state.asked),
        holder="" if lease.released else lease.member,
        anchor=state.anchor,
    )


def _asked(name: str, asked: Asked) -> TickRun:
    tick = tick_id(name, asked.after, asked.key) if asked.until is None else f"{name}/{asked.key}"
    return TickRun(tick, asked.after, 0, outcome="asked")


def _open(name: str, tick: OpenTick) -> TickRun:
    return TickRun(
        tick_id(name, tick.due, tick.key),
        tick.due,
        tick.attempt,
        started=tick.began or None,
        member=tick.member,
        outcome="running" if tick.retry is None else "waiting",
        retry_at=tick.retry,
    )


def _run(name: str, run: Run) -> TickRun:
    return TickRun(
        tick_id(name, run.due, run.key),
        run.due,
        run.attempt,
        started=run.began or None,
        ended=run.ended,
        member=run.member,
        outcome=run.outcome,
    )
