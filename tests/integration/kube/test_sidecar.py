"""Two sidecars as real processes on a real API server, each beside a scripted application."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.grid.members import Members, running
from tests.integration.kube.apiserver import ApiServer
from tests.integration.kube.pods import CLOCK, Pod, running_pods

from immutant import transport
from immutant.contract.environment import Grid
from immutant.contract.timings import Timings
from immutant.processes import EX_CONFIG

BRISK = Timings.fitting(2.4, 1.5, 0.6)

COUNTER = '{kind="daemon",name="counter"}'

_START = 15.0
"""Seconds for a first tenure: what has never been seen is waited out."""

_BOUND = 6.0
"""Seconds in which the death of a sidecar is made up for, in the default timings."""


async def test_a_holder_hands_over_when_told_to_end_and_is_waited_out_when_killed(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    async with running_pods(apiserver, namespace, grid, Timings()) as pods:
        first = await pods.held(_START)
        for pod in pods.all:  # who came late takes nothing before it is a member
            await _until_it_is_there(apiserver, namespace, pod.member_lease)
        began = CLOCK.now()
        took, second = await asyncio.gather(
            first.end(signal.SIGTERM), pods.held(_BOUND, after=len(pods.stints))
        )
        assert pods.stints[-1].begun - began < 2.0, pods.stints
        assert took < 4.0
        assert second is not first
        await first.start()
        killed = len(pods.stints)
        began = CLOCK.now()
        await second.end(signal.SIGKILL)
        third = await pods.held(_BOUND, after=killed)
        assert third is first
        assert CLOCK.now() - began < _BOUND
        pods.never_overlapped()


@pytest.fixture
def members() -> Iterator[Members]:
    """A member beside each of two sidecars."""
    with running(2, app="demo") as members:
        yield members


async def test_a_stopped_one_hands_over_and_waits_and_takes_part_again_when_started(
    apiserver: ApiServer, namespace: str, members: Members
) -> None:
    grids = [members.grid(0), members.grid(1)]
    async with running_pods(apiserver, namespace, grids, Timings()) as pods:
        for _ in range(2):
            holder = await pods.held(_START)
            member = members[pods.all.index(holder)]
            assert holder.process
            pid, begun = holder.process.pid, len(pods.stints)
            holder.mark.set()
            await _until_standby(holder, stopped=False)
            await holder.app_dies()
            await _until_standby(holder, stopped=True)
            assert (holder.process.pid, holder.process.returncode) == (pid, None), holder.lines
            assert await holder.ask("/livez") == "ok"
            assert not member.healthy()
            assert await pods.held(_BOUND, after=begun) is not holder
            found = apiserver.call("GET", f"{_leases(namespace)}/{holder.member_lease}")
            assert found["metadata"]["annotations"]["immutant.org/ended"] == "resigned"
            holder.mark.clear()
            await _until_ready(holder)
            assert member.healthy()
            holder.app_starts()
        pods.never_overlapped()


@pytest.mark.parametrize("moment", [0.0, 0.2, 0.6, 1.2])
async def test_told_to_end_in_the_middle_of_a_stop_it_ends(
    apiserver: ApiServer, namespace: str, grid: Grid, moment: float
) -> None:
    async with running_pods(apiserver, namespace, grid, BRISK, count=1) as pods:
        (pod,) = pods.all
        await pods.held(_START)
        pod.mark.set()
        await pod.app_dies()
        await asyncio.sleep(moment)  # the fault's own moment
        assert await pod.end(signal.SIGTERM) < _BOUND
    assert grid.topology is not None
    await transport.request(grid.topology, "PUT", "/v1/start", timeout=_START)  # all share it


async def test_without_the_api_server_tenures_end_and_afterwards_there_is_one_holder(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    async with running_pods(apiserver, namespace, grid, BRISK) as pods:
        holder = await pods.held(_START)
        begun = len(pods.stints)
        apiserver.stop()
        try:
            stopped = CLOCK.now()
            await asyncio.sleep(2 * BRISK.lease_duration)
            assert len(pods.stints) == begun
            assert pods.stints[-1].ended - stopped < BRISK.renew_deadline
            assert await holder.ask("/readyz") == "ok", "the application serves on"
            assert f"immutant_singleton_held{COUNTER} 0.0" in await holder.ask("/metrics")
        finally:
            apiserver.launch()
            await asyncio.to_thread(apiserver.wait_until_ready)
        await pods.held(_START, after=begun)
        pods.never_overlapped()
        for pod in pods.all:
            assert pod.lines, "an outage is said"
            assert len(pod.lines) <= 20, "once a fault, not once an attempt"
            assert "in sight again" in pod.lines[-1]


async def test_a_lease_that_is_deleted_by_hand_lets_nobody_in_beside_its_holder(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    async with running_pods(apiserver, namespace, grid, BRISK) as pods:
        holder = await pods.held(_START)
        for name in ("demo.daemon.counter", holder.member_lease):
            begun = len(pods.stints)
            apiserver.call("DELETE", f"{_leases(namespace)}/{name}")
            await _until_it_is_there(apiserver, namespace, name)
            await pods.held(_START, after=begun - 1)
        pods.never_overlapped()


async def test_people_and_other_tools_read_the_leases_and_the_metrics(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    async with running_pods(apiserver, namespace, grid, BRISK, count=1) as pods:
        holder = await pods.held(_START)
        found = apiserver.call("GET", _leases(namespace))["items"]
        leases = {one["metadata"]["name"]: one for one in found}
        assert {"demo.daemon.counter", holder.member_lease} == set(leases)
        identity = f"{holder.name}/uid-of-{holder.name}/"
        assert leases["demo.daemon.counter"]["spec"]["holderIdentity"].startswith(identity)
        assert leases[holder.member_lease]["spec"]["leaseDurationSeconds"] == 3, "2.4 s, rounded up"
        metrics = await holder.ask("/metrics")
        assert f"immutant_singleton_held{COUNTER} 1.0" in metrics
        assert f"immutant_tenures_total{COUNTER} 1.0" in metrics
        assert 'immutant_lease_requests_total{code="200",verb="watch"}' in metrics
        paths: dict[str, Any] = (await holder.call("GET", "/openapi.json"))["paths"]
        assert "post" in paths["/v1/singletons"]


async def test_timings_that_do_not_fit_end_it_at_once_with_the_inequality(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    environ = Pod(apiserver, namespace, grid, "demo-0", Timings()).environ
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "immutant.sidecar"),
        env=environ | {"IMMUTANT_RENEW_DEADLINE": "3.5"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == EX_CONFIG
    assert b"< leaseDuration does not hold" in said


async def _until_standby(pod: Pod, *, stopped: bool) -> None:
    """Wait until the sidecar stands by; before its application has ended it does not."""
    if not stopped:
        for _ in range(10):  # looks of its own at the mark, at least two
            assert await pod.ask("/readyz") == "ok"
            await asyncio.sleep(0.05)
        return
    async with asyncio.timeout(_START):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if json.loads(await pod.ask("/standby"))["stopped"]:
                    return
            await asyncio.sleep(0.05)


async def _until_ready(pod: Pod) -> None:
    async with asyncio.timeout(_START):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if await pod.ask("/readyz") == "ok":
                    return
            await asyncio.sleep(0.05)


def _leases(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


async def _until_it_is_there(server: ApiServer, namespace: str, name: str) -> None:
    async with asyncio.timeout(_START):
        while True:
            found = await asyncio.to_thread(server.call, "GET", _leases(namespace))
            if name in [one["metadata"]["name"] for one in found["items"]]:
                return
            await asyncio.sleep(0.1)
