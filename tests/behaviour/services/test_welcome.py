"""The application that is served where none was given, as its visitors and routers see it."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from tests.behaviour.services.conftest import Run

from immutant import StoreError, testing
from immutant.contract import names
from immutant.embedded.caches import EmbeddedCaches
from immutant.welcome.application import create


def numbers(page: httpx.Response) -> list[int]:
    """Pages served in all, and in the session."""
    return [int(number) for number in re.findall(r"<dd>(\d+)</dd>", page.text)]


async def listed(cluster: testing.Cluster, replica: str) -> list[str]:
    """The pods that a pod names."""
    async with cluster.client(replica) as client:
        return [pod["name"] for pod in (await client.get("/pods")).json()["pods"]]


async def test_on_every_backend_two_pods_see_each_other_and_count_as_one(run: Run) -> None:
    app = create("demo", "shop")
    pods = [await run(app, replica) for replica in ("demo-0", "demo-1")]
    clients = [
        httpx.AsyncClient(transport=httpx.ASGITransport(app=pod.asgi), base_url="http://app.test")
        for pod in pods
    ]
    for number, client in enumerate(clients):
        async with client, asyncio.timeout(20):
            answer: dict[str, Any] = {"pods": []}
            while len(answer["pods"]) < 2:
                answer = (await client.get("/pods")).json()
            assert [pod["name"] for pod in answer["pods"]] == ["demo-0", "demo-1"]
            assert answer["answered"] == f"demo-{number}"
            assert numbers(await client.get("/")) == [number + 1, 1]


async def test_every_pod_names_all_pods_and_itself_as_the_one_that_answered() -> None:
    async with testing.cluster(create("demo", "shop"), replicas=3) as cluster:
        for replica in cluster.replicas:
            assert await listed(cluster, replica) == ["demo-0", "demo-1", "demo-2"]
            async with cluster.client(replica) as client:
                answer = (await client.get("/pods")).json()
                assert (answer["app"], answer["answered"]) == ("demo", replica)
                shown = (await client.get("/")).text
            assert "3 pods" in shown
            assert f'<li class="here"><span class="name">{replica}<' in shown


async def test_a_pod_that_stops_is_gone_at_once_and_one_that_dies_within_seconds() -> None:
    async with testing.cluster(create("demo"), replicas=3) as cluster:
        await cluster.stop("demo-1")
        assert await listed(cluster, "demo-0") == ["demo-0", "demo-2"]
        await cluster.kill("demo-2")
        await cluster.advance("7s")
        assert await listed(cluster, "demo-0") == ["demo-0"]
        await cluster.start("demo-3")
        assert await listed(cluster, "demo-0") == ["demo-0", "demo-3"]


async def test_one_that_stays_is_listed_for_as_long_and_says_since_when() -> None:
    async with testing.cluster(create("demo"), replicas=2) as cluster:
        await cluster.advance("2m")
        async with cluster.client("demo-1") as client:
            pods = (await client.get("/pods")).json()["pods"]
            assert [pod["age"] for pod in pods] == pytest.approx([120, 120], abs=1)
            assert "up for 2 minutes" in (await client.get("/")).text


async def test_all_pods_count_as_one_and_the_session_goes_along() -> None:
    async with (
        testing.cluster(create("demo"), replicas=2) as cluster,
        cluster.client() as mine,
        cluster.client() as anothers,
    ):
        assert numbers(await mine.get("/")) == [1, 1]
        assert numbers(await mine.get("/")) == [2, 2]
        assert numbers(await anothers.get("/")) == [3, 1]
        await cluster.kill("demo-0")
        assert numbers(await mine.get("/")) == [4, 3]


async def test_looking_again_without_a_new_page_counts_nothing() -> None:
    async with testing.cluster(create("demo")) as cluster, cluster.client() as client:
        await client.get("/")
        await client.head("/")
        for _ in range(3):
            assert numbers(await client.get("/live")) == [1, 1]


async def test_a_check_is_answered_without_a_page_a_count_or_a_session() -> None:
    async with testing.cluster(create("demo")) as cluster, cluster.client() as client:
        check = await client.get("/", headers={names.CHECK_HEADER: "router"})
        assert (check.status_code, check.text) == (200, "ready")
        assert "set-cookie" not in check.headers
        assert numbers(await client.get("/live")) == [0, 0]


async def test_a_store_that_is_silent_leaves_a_page_that_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise StoreError("the grid is split")

    async with testing.cluster(create("demo", "shop")) as cluster, cluster.client() as client:
        monkeypatch.setattr(EmbeddedCaches, "entries", fail)
        shown = await client.get("/")
        assert shown.status_code == 200
        assert "does not answer" in shown.text
        assert "demo-0" in shown.text
        assert "the grid is split" in caplog.text
