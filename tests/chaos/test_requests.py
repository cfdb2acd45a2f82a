"""What an application costs the API server while nothing happens, by the server's own metrics."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest
from tests.chaos.crowd import Crowd, crowd
from tests.chaos.results import Table
from tests.chaos.settings import HOW, LONG
from tests.integration.kube.apiserver import ApiServer

from immutant.contract.timings import Timings

DEFAULT, FAST = Timings(), Timings.fitting(1.2, 0.7, 0.25)
SIZES = [(DEFAULT, 3, 50)]
if LONG:
    SIZES += [(DEFAULT, 3, 1000), (DEFAULT, 30, 50), (FAST, 3, 50)]
SETTLE = 5.0
"""Seconds from the last grant until what it caused is over."""

MEASURED = 30.0 if LONG else 10.0
WINDOWS = 3
"""How often a busy machine may end a tenure in the time measured, which is then measured again."""
A_POD = 1.2
"""Requests in a renewPeriod that a pod may cost: one renewal, and seldom a listing or a watch."""

OWN = 0.4
"""What the API server's own Lease may cost at most, beside."""

_ROWS: list[list[str]] = []


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("timings", "pods", "daemons"), SIZES)
async def test_an_application_that_is_at_rest_costs_one_renewal_a_period_and_pod(
    apiserver: ApiServer,
    namespace: str,
    socket_folder: Path,
    tables: dict[str, Table],
    timings: Timings,
    pods: int,
    daemons: int,
) -> None:
    standing = crowd(apiserver, namespace, socket_folder, timings, pods=pods, daemons=daemons)
    async with standing as crowded:
        await crowded.until_all_are_held()
        rates = await at_rest(apiserver, crowded)
        assert len(crowded.held) == daemons
    total = sum(rates.values())
    said = ", ".join(f"{verb} {rate:.2f}" for verb, rate in rates.items() if rate)
    period = f"renewed every {timings.renew_period:g} s"
    _ROWS.append([f"{pods} pods x {daemons} singletons, {period}", f"{total:.2f}", said])
    head = ("at rest", "requests/s", "of these")
    tables["lease-requests"] = Table("lease-requests", head, _ROWS, HOW)
    assert total <= (A_POD * pods + OWN) / timings.renew_period


async def at_rest(server: ApiServer, crowded: Crowd) -> dict[str, float]:
    """Requests for Leases a second by verb, in a window in which no tenure began."""
    for _ in range(WINDOWS):
        await asyncio.sleep(SETTLE)
        begun, before = crowded.begun, await asyncio.to_thread(lease_requests, server)
        await asyncio.sleep(MEASURED)
        after = await asyncio.to_thread(lease_requests, server)
        if crowded.begun == begun:
            return {verb: (after[verb] - before[verb]) / MEASURED for verb in sorted(after)}
    raise AssertionError(f"in none of {WINDOWS} windows of {MEASURED} s was it at rest")


def lease_requests(server: ApiServer) -> Counter[str]:
    """How many requests for Leases were answered so far, by verb; watches count at their end.

    The API server's own Lease is among them: two requests in 10 s.
    """
    counted: Counter[str] = Counter()
    for line in server.call("GET", "/metrics").splitlines():
        key, _, value = line.rpartition(" ")
        labels = dict(re.findall(r'(\w+)="([^"]*)"', key))
        of_leases = (labels.get("group"), labels.get("resource")) == (
            "coordination.k8s.io",
            "leases",
        )
        if key.startswith("apiserver_request_total{") and of_leases:
            counted[labels["verb"]] += int(float(value))
    return counted
