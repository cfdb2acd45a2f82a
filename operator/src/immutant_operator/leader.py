"""Which of the operator's replicas works: the one that holds the operator's Lease.

Belongs here: taking, renewing and giving back that Lease, by the rules of client-go's leader
election with its usual 15, 10 and 2 s. It does not fence: a request that is on its way when the
Lease is lost still lands, which is harmless, because every reconcile starts from what is there.
"""

import asyncio
import datetime
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from immutant_operator.api import Api, ApiError, ConflictError
from immutant_operator.errors import OperatorError
from immutant_operator.objects import Json

__all__ = ["LEASE", "LEASE_KIND", "Leader", "LeaderTimings", "LeadershipLostError"]

LEASE: Final = "immutant-operator"
"""The operator's Lease; the chart's Role names it too."""

LEASE_KIND: Final = ("coordination.k8s.io/v1", "Lease")

_log = logging.getLogger(__name__)


class LeadershipLostError(OperatorError):
    """The Lease could not be renewed in time, or another replica has it."""


@dataclass(frozen=True, slots=True)
class LeaderTimings:
    """In seconds: how long a silent leader is waited for, tries to renew, waits in between."""

    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0


class Leader:
    """One replica's part in the election."""

    def __init__(
        self,
        api: Api,
        lease: tuple[str, str],
        identity: str,
        timings: LeaderTimings | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a candidate.

        Args:
            api: Where the Lease is.
            lease: Its namespace and name.
            identity: This replica, unlike all others.
            timings: By default client-go's.
            sleep: Waits so many seconds.
            now: A monotonic clock, in seconds.
        """
        self._api = api
        self._namespace, self._name = lease
        self._identity = identity
        self._timings = timings or LeaderTimings()
        self._sleep = sleep
        self._now = now
        self._seen: tuple[str, float] = ("", 0.0)
        self._record: Json | None = None

    async def acquire(self) -> None:
        """Wait until this replica leads."""
        while True:
            try:
                if await self._try_to_take():
                    _log.info("this replica leads: %s", self._identity)
                    return
            except ApiError as error:
                _log.warning("the Lease cannot be taken yet: %s", error)
            await self._sleep(self._timings.retry_period)

    async def hold(self) -> None:
        """Renew as long as it goes.

        Raises:
            LeadershipLostError: Always, in the end.
        """
        renewed, pause = self._now(), self._timings.retry_period
        while True:
            await self._sleep(pause)
            began, pause = self._now(), self._timings.retry_period
            left = renewed + self._timings.renew_deadline - began
            try:
                async with asyncio.timeout(min(left, self._timings.renew_deadline / 2)):
                    await self._renew()
                renewed = began
            except ConflictError as error:
                raise LeadershipLostError("another replica has changed the Lease") from error
            except (ApiError, TimeoutError) as error:
                _log.warning("the Lease was not renewed: %s", str(error) or "no answer")
                if self._now() >= renewed + self._timings.renew_deadline:
                    raise LeadershipLostError("the Lease was not renewed in time") from error
                if isinstance(error, TimeoutError):
                    pause = 0.0  # its connection hangs; the next attempt is by another

    async def release(self) -> None:
        """Give the Lease back, so that another replica need not wait for its end."""
        if self._record is None:
            return
        self._record["spec"]["holderIdentity"] = ""
        try:
            await self._api.replace(self._record)
        except ApiError as error:
            _log.warning("the Lease could not be given back: %s", error)
        self._record = None

    async def _try_to_take(self) -> bool:
        found = await self._api.find("coordination.k8s.io/v1", "Lease", self._namespace, self._name)
        try:
            if found is None:
                self._record = await self._api.create(self._fresh({}, 0))
                return True
            if not self._is_free(found):
                return False
            transitions = (found.get("spec") or {}).get("leaseTransitions") or 0
            self._record = await self._api.replace(self._fresh(found["metadata"], transitions + 1))
        except ConflictError:
            return False
        return True

    def _is_free(self, found: Json) -> bool:
        """Whether the Lease has no holder, or one that has been silent by this clock."""
        version, now = found["metadata"]["resourceVersion"], self._now()
        if version != self._seen[0]:
            self._seen = (version, now)
        spec = found.get("spec") or {}
        duration = spec.get("leaseDurationSeconds") or self._timings.lease_duration
        return not spec.get("holderIdentity") or now - self._seen[1] > duration

    async def _renew(self) -> None:
        assert self._record is not None, "hold comes after acquire"
        try:
            self._record = await self._api.replace(_renewed(self._record))
        except ConflictError:
            # Perhaps an earlier renewal landed and its answer was lost: the holder tells.
            found = await self._api.get(*LEASE_KIND, self._namespace, self._name)
            if (found.get("spec") or {}).get("holderIdentity") != self._identity:
                raise
            self._record = await self._api.replace(_renewed(found))

    def _fresh(self, metadata: Json, transitions: int) -> Json:
        return {
            "apiVersion": LEASE_KIND[0],
            "kind": LEASE_KIND[1],
            "metadata": {**metadata, "name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, round(self._timings.lease_duration)),
                "acquireTime": _stamp(),
                "renewTime": _stamp(),
                "leaseTransitions": transitions,
            },
        }


def _renewed(record: Json) -> Json:
    return {**record, "spec": {**record["spec"], "renewTime": _stamp()}}


def _stamp() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
