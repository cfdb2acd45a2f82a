import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from immutant.link import (
    Candidacy,
    Command,
    Event,
    Failure,
    Granted,
    Heartbeat,
    JobStatus,
    Outcome,
)
from immutant.serve.deadlines import Owed
from immutant.serve.guard import GuardedLink, HardDeadline
from immutant.testing.clock import FakeClock


class Coordinator:
    """A link whose events the test says."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    @asynccontextmanager
    async def stand(self, candidacy: Candidacy) -> AsyncIterator[AsyncIterator[Event]]:
        yield self._events()

    async def _events(self) -> AsyncIterator[Event]:
        while True:
            yield await self.events.get()

    def alive(self, tenure: str, within: float) -> None: ...

    def ending(self, tenure: str, not_after: float) -> None: ...

    async def stopped(self, tenure: str) -> None: ...

    async def done(self, tenure: str, outcome: Outcome) -> None: ...

    async def failed(self, tenure: str, failure: Failure) -> None: ...

    async def ready(self) -> None: ...

    async def drain(self, reason: str, grace: float) -> None: ...

    async def job(self, name: str) -> JobStatus:
        return JobStatus(name)

    async def command(self, job: str, command: Command) -> JobStatus:
        return JobStatus(job)

    async def close(self) -> None: ...


class Timer:
    """Remembers when it would kill."""

    def __init__(self) -> None:
        self.at: float | None = None
        self.was_set = 0

    def set(self, at: float | None) -> None:
        self.at = at
        self.was_set += 1


class Guarded:
    """A guarded link, the two ends of its pipe, and what it stands on."""

    def __init__(self) -> None:
        self.clock, self.timer = FakeClock(), Timer()
        self.coordinator = Coordinator()
        self.read, self.write = os.pipe()
        hard = HardDeadline(self.timer, self.clock, stop_margin=1.0)
        self.link = GuardedLink(self.coordinator, self.write, self.clock, hard)
        self.now = self.clock.now()

    async def hears(self, stream: AsyncIterator[Event], event: Event) -> None:
        self.coordinator.events.put_nowait(event)
        assert await anext(stream) == event

    def said(self) -> list[Owed]:
        return [Owed(**json.loads(one)) for one in os.read(self.read, 65536).splitlines()]


@pytest.fixture
async def guarded() -> AsyncIterator[Guarded]:
    guarded = Guarded()
    yield guarded
    os.close(guarded.read)
    os.close(guarded.write)


HARD = Candidacy("daemon", "hard", hard_deadline=True)
SOFT = Candidacy("daemon", "soft")


async def test_the_timer_is_set_before_a_grant_is_heard_and_again_by_each_heartbeat(
    guarded: Guarded,
) -> None:
    now = guarded.now
    async with guarded.link.stand(HARD) as events, guarded.link.stand(SOFT) as others:
        await guarded.hears(others, Granted("soft", "1", now + 1.0))
        assert guarded.timer.was_set == 0, "only what asked for it is ended by the kernel"
        await guarded.hears(events, Granted("hard", "2", now + 2.0))
        assert guarded.timer.at == now + 3.0
        await guarded.hears(events, Heartbeat(now + 4.0))
        assert guarded.timer.at == now + 5.0
        await guarded.link.stopped("hard")
        assert guarded.timer.at is None
    assert {owed.tenure for owed in guarded.said()} == {"hard", "soft"}


async def test_of_several_tenures_the_earliest_sets_the_timer(guarded: Guarded) -> None:
    now = guarded.now
    async with guarded.link.stand(HARD) as first, guarded.link.stand(HARD) as second:
        await guarded.hears(first, Granted("first", "1", now + 2.0))
        await guarded.hears(second, Granted("second", "2", now + 3.0))
        assert guarded.timer.at == now + 3.0
        await guarded.link.stopped("first")
        assert guarded.timer.at == now + 4.0


async def test_code_that_was_told_to_end_has_until_the_deadline_it_had(guarded: Guarded) -> None:
    now = guarded.now
    async with guarded.link.stand(HARD) as events:
        await guarded.hears(events, Granted("hard", "1", now + 2.0))
        guarded.link.ending("hard", now + 2.0)
        assert guarded.timer.at == now + 3.0


async def test_a_grant_that_is_read_too_late_to_be_run_kills_nobody(guarded: Guarded) -> None:
    async with guarded.link.stand(HARD) as events:
        await guarded.hears(events, Granted("late", "1", guarded.now - 5.0))
        await guarded.hears(events, Heartbeat(guarded.now - 4.0))
        await guarded.link.stopped("late")
    assert guarded.timer.was_set == 0


async def test_a_sign_of_life_says_until_when_and_the_end_of_a_tenure_asks_for_none(
    guarded: Guarded,
) -> None:
    async with guarded.link.stand(SOFT) as events:
        await guarded.hears(events, Granted("soft", "1", guarded.now + 2.0))
        guarded.link.alive("soft", 5.0)
        assert guarded.said()[-1].alive_until == guarded.now + 5.0
        guarded.link.ending("soft", guarded.now + 2.0)
        (owed,) = guarded.said()
        assert (owed.is_final, owed.alive_until) == (True, None)
