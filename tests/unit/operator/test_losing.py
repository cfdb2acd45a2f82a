"""Deleting the pods on dead nodes: when the nodes are asked for, and how the pods are deleted."""

from typing import Any, cast

import pytest
from tests.unit.operator.apps import app, body
from tests.unit.operator.fleets import ages, fleet, lease, pod

from immutant_operator.api import Api, ApiError
from immutant_operator.grid import Grid
from immutant_operator.losing import replace_lost
from immutant_operator.lost import Losses
from immutant_operator.objects import Json

DEAD = pod(1, node="far", ready=False)
THERE = fleet(pod(0, node="near"), DEAD)


class PlayedApi:
    """Two nodes, one of them silent."""

    def __init__(self, refusal: int = 0) -> None:
        self.refusal = refusal
        self.asked: list[str] = []
        self.deleted: list[tuple[str, str, bool]] = []
        self.told: list[str] = []

    async def delete(self, manifest: Json, *, at_once: bool) -> None:
        metadata = manifest["metadata"]
        self.deleted.append((metadata["name"], metadata["uid"], at_once))

    async def create(self, event: Json) -> None:
        self.told.append(f"{event['type']} {event['reason']} {event['message']}")

    async def list(self, version: str, kind: str, namespace: None, labels: Json) -> Any:
        self.asked.append(f"{version} {kind}")
        if self.refusal:
            raise ApiError(self.refusal, "no")
        return [
            {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", **ready}]}}
            for name, ready in (("near", {"status": "True"}), ("far", {"status": "Unknown"}))
        ]


async def replaced(api: PlayedApi, *, ended: str = "expelled", **spec: Any) -> Losses:
    leases = {DEAD.uid: lease(DEAD, 2, ended=ended), THERE.pods[0].uid: lease(THERE.pods[0], 2)}
    grid = Grid(THERE.pods, leases, ages(THERE.pods))
    return await replace_lost(cast("Api", api), app(**spec), body(), THERE, grid)


async def test_it_is_deleted_without_grace_by_its_uid_and_users_are_told() -> None:
    api = PlayedApi()
    assert (await replaced(api)).replaced == (DEAD,)
    assert api.deleted == [("demo-1", DEAD.uid, True)]
    (told,) = api.told
    assert told.startswith("Warning PodReplaced demo-1 is made anew: far cannot be reached")


async def test_nodes_are_asked_for_only_where_a_pod_is_suspected() -> None:
    api = PlayedApi()
    assert await replaced(api, ended="") == Losses()
    assert api.asked == []


async def test_who_may_not_list_nodes_leaves_the_pod_to_kubernetes() -> None:
    api = PlayedApi(refusal=403)
    assert await replaced(api) == Losses()
    assert api.deleted == []
    with pytest.raises(ApiError):
        await replaced(PlayedApi(refusal=500))


async def test_who_does_not_want_it_is_told_why_it_stays() -> None:
    api = PlayedApi()
    found = await replaced(api, nodes={"replaceDead": False})
    assert (found.replaced, api.deleted) == ((), [])
    assert "nodes.replaceDead is false" in found.kept
