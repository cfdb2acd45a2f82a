"""What Prometheus reads from sidecars as processes, while tenures move and ticks run."""

import asyncio
import contextlib
import json
import re
import signal
from collections.abc import AsyncGenerator

from tests.integration.kube.apiserver import ApiServer
from tests.integration.kube.pods import Pod, running_pods

from immutant import transport
from immutant.contract.environment import Grid
from immutant.contract.timings import Timings
from immutant.schedules import Schedule

BRISK = Timings.fitting(2.4, 1.5, 0.6)
DEFAULT = Timings()

COUNTER = 'kind="daemon",name="counter"'

_START = 15.0
_BOUND = 6.0


async def value(pod: Pod, series: str) -> float:
    """What a pod says of a series, 0 when it says nothing."""
    text = await pod.ask("/metrics")
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def until(pod: Pod, series: str, least: float = 1.0) -> None:
    try:
        async with asyncio.timeout(_START):
            while await value(pod, series) < least:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"no {series} in:\n{await pod.ask('/metrics')}") from None


async def test_failovers_are_timed_by_how_the_former_holder_ended(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    async with running_pods(apiserver, namespace, grid, DEFAULT) as pods:
        first = await pods.held(_START)
        (second,) = (pod for pod in pods.all if pod is not first)
        await until(second, "immutant_renewal_seconds_count")
        assert await value(first, "immutant_renewal_seconds_count") >= 1
        assert await value(first, 'immutant_failover_seconds_count{former="released"}') == 0
        await first.end(signal.SIGTERM)
        await until(second, 'immutant_failover_seconds_count{former="released"}')
        assert 0 < await value(second, 'immutant_failover_seconds_sum{former="released"}') < 2
        await first.start()
        await until(first, "immutant_renewal_seconds_count")
        await second.end(signal.SIGKILL)
        await until(first, 'immutant_failover_seconds_count{former="expelled"}')
        waited = await value(first, 'immutant_failover_seconds_sum{former="expelled"}')
        assert DEFAULT.lease_duration <= waited < _BOUND
        assert (
            await value(first, 'immutant_failover_seconds_bucket{former="expelled",le="2.0"}') == 0
        )


async def test_an_application_that_dies_is_a_reason_of_its_own(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    async with running_pods(apiserver, namespace, grid, BRISK) as pods:
        first = await pods.held(_START)
        (second,) = (pod for pod in pods.all if pod is not first)
        await until(second, "immutant_renewal_seconds_count")
        await first.app_dies()
        await until(first, f'immutant_tenures_ended_total{{{COUNTER},reason="app_died"}}')
        await until(second, 'immutant_failover_seconds_count{former="resigned"}')
        assert await value(second, 'immutant_failover_seconds_sum{former="resigned"}') < 1


async def test_ticks_are_counted_with_their_lateness_and_their_ends(
    apiserver: ApiServer, namespace: str, grid: Grid
) -> None:
    async with running_pods(apiserver, namespace, grid, BRISK, count=1) as pods:
        pod = await pods.held(_START)
        answers = iter(["", "ValueError: no"])
        async with contextlib.aclosing(ticks(pod, Schedule.of(every=1.0))) as due:
            async for tenure, tick in due:
                error = next(answers, None)
                if error is None:
                    break
                body = {"tick": tick, "error": error}
                await pod.call("POST", f"/v1/tenures/{tenure}/done", body)
            await until(pod, 'immutant_runs_total{name="ajob",outcome="ok"}')
            await until(pod, 'immutant_runs_total{name="ajob",outcome="failed"}')
            assert await value(pod, 'immutant_ticks_total{name="ajob"}') == 3
            count = await value(pod, "immutant_tick_lateness_seconds_count")
            assert count == 3
            late = await value(pod, "immutant_tick_lateness_seconds_sum") / count
            assert 0 <= late < 1
            assert await value(pod, 'immutant_ticks_retried_total{name="ajob"}') == 0


async def ticks(pod: Pod, schedule: Schedule) -> AsyncGenerator[tuple[str, str], None]:
    """Stand for a job; the tenure and the id of each tick."""
    hello = await pod.call("POST", "/v1/hello", {"process": pod.name})
    body = {"incarnation": hello["incarnation"], "kind": "job", "name": "ajob"}
    body["schedule"] = schedule.to_json()
    tenure = ""
    async with transport.stream(pod.coordinator, "POST", "/v1/singletons", body) as events:
        async for event in events:
            match event["event"]:
                case "granted":
                    tenure = event["tenure"]
                case "tick":
                    yield tenure, event["id"]
                case "revoked":
                    raise AssertionError(json.dumps(event))
