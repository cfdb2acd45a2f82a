"""The operator's election, on a Lease in memory and a clock of its own."""

import asyncio
import heapq
import itertools
from typing import Any

import pytest

from immutant_operator.api import ApiError, ConflictError, NotFoundError
from immutant_operator.leader import Leader, LeadershipLostError, LeaderTimings

TIMINGS = LeaderTimings()


class Leases:
    """What of the API the election uses, with one Lease."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.down = False
        self.loses_answers = False
        self.hangs = False
        self._version = 0

    async def find(self, *_: str) -> dict[str, Any] | None:
        self._answer()
        return self.lease

    async def get(self, *_: str) -> dict[str, Any]:
        self._answer()
        if self.lease is None:
            raise NotFoundError(404, "gone")
        return self.lease

    async def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self._answer()
        if self.lease is not None:
            raise ConflictError(409, "exists")
        return self._store(manifest)

    async def replace(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self._answer()
        if self.hangs:
            self.hangs = False  # whoever asks again does so by another connection
            await asyncio.Event().wait()
        if self.lease is None or manifest["metadata"].get("resourceVersion") != str(self._version):
            raise ConflictError(409, "changed")
        stored = self._store(manifest)
        if self.loses_answers:
            self.loses_answers = False
            raise ApiError(0, "the answer was lost")
        return stored

    def _answer(self) -> None:
        if self.down:
            raise ApiError(0, "no answer")

    def _store(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        metadata = {**manifest["metadata"], "resourceVersion": str(self._version)}
        self.lease = {**manifest, "metadata": metadata, "spec": dict(manifest["spec"])}
        return {**self.lease, "spec": dict(self.lease["spec"])}


class Time:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.instant = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self.instant

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.instant + seconds, next(self._numbers), woken))
        await woken

    async def passes(self, seconds: float) -> None:
        end = self.instant + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.instant, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
            await self._settle()
        self.instant = end

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
def leases() -> Leases:
    return Leases()


@pytest.fixture
def time() -> Time:
    return Time()


def candidate(leases: Leases, name: str, time: Time) -> Leader:
    lease = ("system", "operator")
    return Leader(leases, lease, name, TIMINGS, time.sleep, time.now)  # type: ignore[arg-type]


def holder(leases: Leases) -> str:
    assert leases.lease is not None
    return str(leases.lease["spec"]["holderIdentity"])


async def test_one_leads_and_the_other_waits_until_it_gives_the_lead_back(
    leases: Leases, time: Time
) -> None:
    first, second = candidate(leases, "first", time), candidate(leases, "second", time)
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    waiting = asyncio.create_task(second.acquire())
    await time.passes(10 * TIMINGS.lease_duration)
    assert holder(leases) == "first"
    holding.cancel()
    await first.release()
    await time.passes(TIMINGS.retry_period)
    await waiting
    assert holder(leases) == "second"


async def test_a_silent_leader_is_succeeded_after_the_leases_duration(
    leases: Leases, time: Time
) -> None:
    await candidate(leases, "dead", time).acquire()
    taking = asyncio.create_task(candidate(leases, "next", time).acquire())
    await time.passes(TIMINGS.lease_duration)
    assert holder(leases) == "dead"
    await time.passes(2 * TIMINGS.retry_period)
    await taking
    assert holder(leases) == "next"
    assert leases.lease is not None
    assert leases.lease["spec"]["leaseTransitions"] == 1


async def test_a_leader_without_answers_gives_up_before_another_may_lead(
    leases: Leases, time: Time
) -> None:
    leader = candidate(leases, "cut-off", time)
    await leader.acquire()
    holding = asyncio.create_task(leader.hold())
    await time.passes(TIMINGS.lease_duration)
    leases.down = True
    await time.passes(TIMINGS.renew_deadline + TIMINGS.retry_period)
    assert TIMINGS.renew_deadline + TIMINGS.retry_period < TIMINGS.lease_duration
    with pytest.raises(LeadershipLostError, match="in time"):
        await holding


async def test_a_leader_goes_on_after_a_short_silence_of_the_api_server(
    leases: Leases, time: Time
) -> None:
    leader = candidate(leases, "patient", time)
    await leader.acquire()
    holding = asyncio.create_task(leader.hold())
    leases.down = True
    await time.passes(TIMINGS.renew_deadline - TIMINGS.retry_period)
    leases.down = False
    await time.passes(TIMINGS.lease_duration)
    assert not holding.done()
    holding.cancel()


async def test_a_leader_whose_lease_was_taken_gives_up_and_releases_nothing(
    leases: Leases, time: Time
) -> None:
    leader = candidate(leases, "old", time)
    await leader.acquire()
    assert leases.lease is not None
    leases.lease["spec"]["holderIdentity"] = "new"
    await leases.replace(leases.lease)
    holding = asyncio.create_task(leader.hold())
    await time.passes(TIMINGS.retry_period)
    with pytest.raises(LeadershipLostError, match="another replica"):
        await holding
    await leader.release()
    assert holder(leases) == "new"


async def test_a_renewal_whose_answer_was_lost_is_no_loss_of_the_lead(
    leases: Leases, time: Time
) -> None:
    leader = candidate(leases, "same", time)
    await leader.acquire()
    leases.loses_answers = True
    holding = asyncio.create_task(leader.hold())
    await time.passes(2 * TIMINGS.renew_deadline)
    assert not holding.done()
    holding.cancel()


async def test_a_renewal_that_hangs_is_tried_again_before_the_lead_is_lost(leases: Leases) -> None:
    quick = LeaderTimings(lease_duration=1.5, renew_deadline=1.0, retry_period=0.05)
    leader = Leader(leases, ("system", "operator"), "same", quick)  # type: ignore[arg-type]
    await leader.acquire()
    leases.hangs = True
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(leader.hold(), 2 * quick.renew_deadline)
    assert not leases.hangs
