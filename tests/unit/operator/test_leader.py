"""The operator's election, on a Lease in memory and a clock of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from immutant_operator.api import ApiError, ConflictError, NotFoundError
from immutant_operator.leader import Leader, LeadershipLostError, LeaderTimings

QUICK = LeaderTimings(0.3, 0.2, 0.02)


class Leases:
    """What of the API the election uses, with one Lease."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.down = False
        self.loses_answers = False
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


@pytest.fixture
def leases() -> Leases:
    return Leases()


def candidate(
    leases: Leases, name: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Leader:
    return Leader(leases, ("system", "operator"), name, QUICK, sleep)  # type: ignore[arg-type]


def holder(leases: Leases) -> str:
    assert leases.lease is not None
    return str(leases.lease["spec"]["holderIdentity"])


async def test_one_leads_and_the_other_waits_until_it_gives_the_lead_back(leases: Leases) -> None:
    first, second = candidate(leases, "first"), candidate(leases, "second")
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    waiting = asyncio.create_task(second.acquire())
    await asyncio.wait([waiting], timeout=3 * QUICK.lease_duration)
    assert not waiting.done()
    assert holder(leases) == "first"
    holding.cancel()
    await first.release()
    await asyncio.wait_for(waiting, QUICK.lease_duration)
    assert holder(leases) == "second"


async def test_a_silent_leader_is_succeeded_after_the_leases_duration(leases: Leases) -> None:
    await candidate(leases, "dead").acquire()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await candidate(leases, "next").acquire()
    assert loop.time() - began >= QUICK.lease_duration
    assert leases.lease is not None
    assert leases.lease["spec"]["leaseTransitions"] == 1


async def test_a_leader_without_answers_gives_up_before_another_may_lead(leases: Leases) -> None:
    leader = candidate(leases, "cut-off")
    await leader.acquire()
    leases.down = True
    began = asyncio.get_running_loop().time()
    with pytest.raises(LeadershipLostError, match="in time"):
        await leader.hold()
    assert asyncio.get_running_loop().time() - began < QUICK.lease_duration


async def test_a_leader_whose_lease_was_taken_gives_up_and_releases_nothing(leases: Leases) -> None:
    leader = candidate(leases, "old")
    await leader.acquire()
    assert leases.lease is not None
    leases.lease["spec"]["holderIdentity"] = "new"
    await leases.replace(leases.lease)
    with pytest.raises(LeadershipLostError, match="another replica"):
        await leader.hold()
    await leader.release()
    assert holder(leases) == "new"


async def test_a_renewal_whose_answer_was_lost_is_no_loss_of_the_lead(leases: Leases) -> None:
    leader = candidate(leases, "same")
    await leader.acquire()
    leases.loses_answers = True
    holding = asyncio.create_task(leader.hold())
    await asyncio.wait([holding], timeout=2 * QUICK.renew_deadline)
    assert not holding.done()
    holding.cancel()
