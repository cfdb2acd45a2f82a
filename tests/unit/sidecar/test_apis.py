"""The sidecar's two APIs in front of a coordinator on a store in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from immutant.contract.environment import Address
from immutant.coordinator.driver import Driver
from immutant.coordinator.vigil import Vigil
from immutant.counting import FAMILIES
from immutant.election import Timings
from immutant.embedded import EmbeddedBackend
from immutant.link import Candidacy
from immutant.sidecar.api import sidecar_api
from immutant.sidecar.metrics import Metrics
from immutant.sidecar.ops import ops_api
from immutant.sidecar.quorum import Quorum
from immutant.testing import FakeClock


@dataclass
class Sidecar:
    driver: Driver
    clock: FakeClock
    api: FastAPI
    ops: FastAPI

    async def ask(self, app: FastAPI, method: str, path: str, body: Any = None) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
            return await client.request(method, path, json=body)

    async def until(self, ready: Any) -> None:
        for _ in range(1000):
            if ready():
                return
            await self.clock.advance(0.05)
        raise AssertionError("it did not come to pass")


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Sidecar]:
    clock = FakeClock()
    backend = await EmbeddedBackend.open(None, replica="demo-0", clock=clock)
    driver = Driver("demo", "demo-0", backend.leases, clock, Timings(), life="demo-0/uid")
    metrics = Metrics()
    metrics.follow(driver, clock)
    api = sidecar_api(driver, Vigil(tmp_path / "app.lock", driver.gone))
    yield Sidecar(driver, clock, api, ops_api(driver, metrics.registry))
    await driver.close()
    await backend.close()


async def test_it_lives_at_once_and_is_ready_once_it_has_seen_the_leases(sidecar: Sidecar) -> None:
    assert (await sidecar.ask(sidecar.ops, "GET", "/livez")).status_code == 200
    answer = await sidecar.ask(sidecar.ops, "GET", "/readyz")
    assert (answer.status_code, answer.text) == (503, "the leases have not been seen yet")
    sidecar.driver.start()
    await sidecar.until(lambda: sidecar.driver.listed)
    assert (await sidecar.ask(sidecar.ops, "GET", "/readyz")).text == "ok"


async def test_beside_a_grid_it_is_ready_once_the_member_knows_whose_votes_count(
    sidecar: Sidecar,
) -> None:
    member = Address(host="127.0.0.1", port=1)
    quorum = Quorum(sidecar.driver, sidecar.clock, member, lambda: None)
    ops = ops_api(sidecar.driver, CollectorRegistry(), quorum)
    sidecar.driver.start()
    await sidecar.until(lambda: sidecar.driver.listed)
    answer = await sidecar.ask(ops, "GET", "/readyz")
    assert (answer.status_code, answer.text) == (503, "the member of the grid does not answer yet")
    quorum.told = True
    assert (await sidecar.ask(ops, "GET", "/readyz")).text == "ok"


async def test_metrics_tell_what_may_run_here_and_what_did(sidecar: Sidecar) -> None:
    sidecar.driver.start()
    sidecar.driver.meet("p")
    async with sidecar.driver.stand(Candidacy("daemon", "counter")):
        await sidecar.until(sidecar.driver.running)
        text = (await sidecar.ask(sidecar.ops, "GET", "/metrics")).text
        assert 'immutant_singleton_held{kind="daemon",name="counter"} 1.0' in text
        deadline = text.partition("\nimmutant_member_deadline_seconds ")[2].split("\n")[0]
        assert 0 < float(deadline) <= 2.5
    sidecar.driver.app_died()
    text = (await sidecar.ask(sidecar.ops, "GET", "/metrics")).text
    assert 'immutant_singleton_held{kind="daemon",name="counter"} 0.0' in text
    assert 'immutant_tenures_total{kind="daemon",name="counter"} 1.0' in text
    assert "immutant_member_deadline_seconds 0.0" in text


async def test_kills_are_counted_by_the_supervisors_word(sidecar: Sidecar) -> None:
    said = await sidecar.ask(sidecar.api, "POST", "/v1/killed", {"reason": "silent"})
    assert said.status_code == 204
    refused = await sidecar.ask(sidecar.api, "POST", "/v1/killed", {"reason": "bored"})
    assert refused.status_code == 422
    assert "'reason' must be one of grace, overdue, silent, hard_deadline" in refused.text
    text = (await sidecar.ask(sidecar.ops, "GET", "/metrics")).text
    assert 'immutant_application_kills_total{reason="silent"} 1.0' in text
    assert "bored" not in text


async def test_what_the_application_tells_is_served_with_the_rest(sidecar: Sidecar) -> None:
    buckets = [2, 1] + [0] * (len(FAMILIES["immutant_http_request_seconds"].bounds) - 1)
    series = [
        {"name": "immutant_http_requests", "labels": ["GET", "200"], "value": 3},
        {
            "name": "immutant_http_request_seconds",
            "labels": ["GET"],
            "value": 0.01,
            "counts": buckets,
        },
        {"name": "immutant_of_a_later_version", "labels": [], "value": 1},
        {"name": "immutant_http_requests", "labels": ["one more than now"] * 3, "value": 1},
    ]
    body = {"process": "p", "number": 1, "heard": False, "series": series}
    assert (await sidecar.ask(sidecar.api, "POST", "/v1/metrics", body)).status_code == 204
    text = (await sidecar.ask(sidecar.ops, "GET", "/metrics")).text
    assert 'immutant_http_requests_total{code="200",method="GET"} 3.0' in text
    assert 'immutant_http_request_seconds_bucket{le="0.005",method="GET"} 2.0' in text
    assert 'immutant_http_request_seconds_bucket{le="+Inf",method="GET"} 3.0' in text
    assert "immutant_application_report_age_seconds 0.0" in text
    assert "later" not in text


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ("x", "'series' must be a list"),
        ([{"labels": [], "value": 1}], "'name' of a series must be a text"),
        (
            [{"name": "x", "labels": [1], "value": 1}],
            "'labels' of a series must be a list of",
        ),
        ([{"name": "x", "value": True}], "'value' of a series must be a number"),
        ([{"name": "x", "value": 10**400}], "'value' of a series must be a number"),
        (
            [{"name": "x", "value": 1, "counts": [-1]}],
            "'counts' of a series must be a list of",
        ),
        ([{"name": "x", "value": 1}] * 100_000, "'series' must be of at most"),
    ],
)
async def test_counts_that_are_none_are_refused(sidecar: Sidecar, series: Any, said: str) -> None:
    body = {"process": "p", "number": 1, "heard": False, "series": series}
    answer = await sidecar.ask(sidecar.api, "POST", "/v1/metrics", body)
    assert (answer.status_code, said in answer.text) == (422, True), answer.text


async def test_the_incarnation_carries_the_pods_uid(sidecar: Sidecar) -> None:
    hello = (await sidecar.ask(sidecar.api, "GET", "/v1/status")).json()
    assert hello["incarnation"].startswith("demo-0/uid/")


async def test_the_description_names_every_call_and_the_fields_that_it_needs(
    sidecar: Sidecar,
) -> None:
    paths = (await sidecar.ask(sidecar.api, "GET", "/openapi.json")).json()["paths"]
    for path, calls in paths.items():
        for method, call in calls.items():
            for field, schema in needed(call).items():
                body = {name: 1 for name in needed(call) if name != field}
                body |= {name: schema.get("enum", ["x"])[0] for name in body if name != "grace"}
                answer = await sidecar.ask(sidecar.api, method.upper(), path, body)
                assert answer.status_code == 422, (path, body)
                assert "must be" in answer.text
    assert set(paths) == {
        "/v1/hello",
        "/v1/singletons",
        "/v1/tenures/{tenure}/stopped",
        "/v1/tenures/{tenure}/done",
        "/v1/tenures/{tenure}/failed",
        "/v1/ready",
        "/v1/drain",
        "/v1/killed",
        "/v1/metrics",
        "/v1/deadlines",
        "/v1/status",
        "/v1/jobs",
        "/v1/jobs/{job}",
        "/v1/jobs/{job}/pause",
        "/v1/jobs/{job}/resume",
        "/v1/jobs/{job}/trigger",
        "/v1/jobs/{job}/backfill",
        "/v1/jobs/{job}/unschedule",
    }


def needed(call: dict[str, Any]) -> dict[str, Any]:
    if "requestBody" not in call:
        return {}
    schema = call["requestBody"]["content"]["application/json"]["schema"]
    return {name: schema["properties"][name] for name in schema.get("required", [])}
