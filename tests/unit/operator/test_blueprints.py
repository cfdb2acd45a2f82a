"""When an app's blueprint is asked for, and when the remembered one is taken."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.operator.apps import CLUSTER, app, body, built, one

from immutant_operator.api import Page
from immutant_operator.blueprints import Blueprints
from immutant_operator.builders import blueprint
from immutant_operator.keeping import Keeper
from immutant_operator.objects import Json
from immutant_operator.store import Store

APP = app()
ROUTER = ("Deployment", "demo-router"), ("ConfigMap", "demo-router")


class Server:
    """An API server that has these objects, and counts what it is asked for."""

    def __init__(self, *objects: Json) -> None:
        self.objects = list(objects)
        self.asked: list[str] = []

    async def pages(self, _: str, kind: str, *__: str) -> AsyncIterator[Page]:
        self.asked.append(kind)
        yield Page([one for one in self.objects if one["kind"] == kind], 1)

    async def find(self, _: str, kind: str, __: str, name: str) -> Json | None:
        self.asked.append(kind)
        found = [one for one in self.objects if _key(one) == (kind, name)]
        return found[0] if found else None


def _key(body: Json) -> tuple[str, str]:
    return body["kind"], body["metadata"]["name"]


def revision(number: int = 1, **spec: Any) -> Json:
    """A blueprint of the app, as the API server has it."""
    written = body(**spec)
    fresh = Keeper(APP, written, CLUSTER).fresh(None, None)
    made = blueprint(APP, fresh)
    more = {"uid": f"uid-{number}", "resourceVersion": str(number)}
    return {**made, "revision": number, "metadata": {**made["metadata"], **more}}


@pytest.fixture
def store() -> Store:
    return Store()


def known(server: Server, store: Store) -> Blueprints:
    return Blueprints(server, store)  # type: ignore[arg-type]


async def spec(blueprints: Blueprints, *, ask: bool = False) -> Json:
    ((kind, _), found), *others = (await blueprints.there(APP, ask=ask)).items()
    assert (kind, others) == ("ControllerRevision", [])
    return dict(found["data"]["spec"])


async def test_a_blueprint_is_asked_for_once_while_nothing_changes(store: Store) -> None:
    server = Server(revision(replicas=2))
    store.saw(server.objects[0])
    blueprints = known(server, store)
    assert await spec(blueprints) == await spec(blueprints) == {"replicas": 2}
    assert server.asked == ["ControllerRevision"]


async def test_a_blueprint_is_asked_for_again_when_another_comes_into_view(store: Store) -> None:
    server = Server(revision(replicas=2))
    blueprints = known(server, store)
    assert await spec(blueprints) == {"replicas": 2}
    server.objects.append(revision(2, replicas=3))
    assert await spec(blueprints) == {"replicas": 2}, "nothing was heard of it yet"
    store.saw(server.objects[1])
    assert await spec(blueprints) == {"replicas": 3}


async def test_before_anything_is_done_the_api_server_is_asked(store: Store) -> None:
    server = Server(revision(replicas=2))
    blueprints = known(server, store)
    await spec(blueprints)
    server.objects = [revision(2, replicas=3)]
    assert await spec(blueprints, ask=True) == {"replicas": 3}


async def test_without_a_blueprint_the_objects_are_read_that_tell_of_it(store: Store) -> None:
    server = Server(*built())
    server.objects.remove(one(server.objects, "ControllerRevision", _name(server)))
    blueprints = known(server, store)
    found = await blueprints.there(APP, ask=False)
    assert set(found) == {("StatefulSet", "demo"), *ROUTER}
    server.objects.append(revision(replicas=2))
    assert await spec(blueprints) == {"replicas": 2}, "what was not found is not remembered"


def _name(server: Server) -> str:
    (found,) = [name for kind, name in map(_key, server.objects) if kind == "ControllerRevision"]
    return found


async def test_of_an_app_that_has_nothing_yet_only_its_statefulset_is_asked_for(
    store: Store,
) -> None:
    server = Server()
    assert await known(server, store).there(APP, ask=True) == {}
    assert server.asked == ["ControllerRevision", "StatefulSet"]


async def test_a_blueprint_of_a_former_app_of_that_name_is_not_remembered(store: Store) -> None:
    server = Server(revision(replicas=2))
    blueprints = known(server, store)
    await spec(blueprints)
    server.objects = []
    assert await blueprints.there(replace(APP, uid="uid-2"), ask=False) == {}
