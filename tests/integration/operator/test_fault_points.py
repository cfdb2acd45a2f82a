"""The operator killed at each of its writes, one after the other: the app becomes the same.

A life of an app is a row of changes by its user. In the n-th life the operator dies with the n-th
write that it makes after each change, and another one goes on, which remembers nothing; or, where
the write is about pods, its answer is lost, and the same operator goes on. Lives are played until
one passes without a fault.

Who dies before a request is sent leaves what he leaves who died with the one before: these points
are the same, and so is a death at a read.
"""

import asyncio
import enum
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, condition, is_complete

from immutant_operator.api import APP_KIND, Api, ApiError
from immutant_operator.objects import Json
from immutant_operator.rollout import STEADY
from immutant_operator.rounds import see

pytestmark = pytest.mark.timeout(300)

LOOKS = 100
AT_ONCE = 4
HOST = {"host": "demo.example.org"}
SOURCE = {"configMap": {"name": "demo-source"}}

Change = Callable[[Operated], Awaitable[None]]


class Fault(enum.Enum):
    DEATH = "dead before the answer was read"
    LOST = "alive, but without the answer"


class Killed(BaseException):
    """What no code of the operator's catches."""


class Faulty(Api):
    """The API as an operator sees it that meets a fault at its n-th write of some kinds."""

    def __init__(self, api: Api, fault: Fault, at: int, kinds: Collection[str] = ()) -> None:
        super().__init__(api._connection)
        self._fault, self._at, self._kinds = fault, at, kinds
        self.arm()

    def arm(self) -> None:
        """From now on writes are counted anew."""
        self.writes = self._counted = 0
        self.met = False

    async def _ask(self, method: str, path: str, *more: Any, **others: Any) -> Json:
        answer = await super()._ask(method, path, *more, **others)
        if method == "GET":
            return answer
        self.writes += 1
        self._counted += not self._kinds or any(f"/{kind}/" in path for kind in self._kinds)
        if self._counted != self._at or self.met:
            return answer
        self.met = True
        if self._fault is Fault.LOST:
            raise ApiError(0, "the answer was lost")
        raise Killed


async def played(operated: Operated, faulty: Faulty) -> None:
    """Let the operator look until it has nothing to do any more; a new one, if it dies.

    Its watches hang: it sees what is there at first, and again when all seems to be done.
    """
    for _ in range(LOOKS):
        before = faulty.writes
        operated.now += STEADY + 1.0
        try:
            await operated.reconciler.reconcile(operated.key)
        except ApiError:
            continue  # the queue comes again
        except Killed:
            operated.restart(faulty)
            await see(operated.api, operated.namespace, operated.store)
            continue
        app = operated.store.app(operated.key)
        assert app is not None
        if faulty.writes == before and is_complete(app):
            generation = condition(app, "Progressing")["observedGeneration"]
            assert generation == app["metadata"]["generation"]
            return
        await operated.make_ready()
        if is_complete(app):
            await see(operated.api, operated.namespace, operated.store)
        await asyncio.sleep(0.1)  # the controllers have their turn
    raise AssertionError(operated.store.app(operated.key))


async def life(
    server: ApiServer, api: Api, namespace: str, changes: Mapping[str, Change], *fault: Any
) -> tuple[list[str], dict[str, Any]]:
    """One life; after which changes a fault was met, and what there was after each."""
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    operated, faulty = Operated(api, namespace), Faulty(api, *fault)
    operated.restart(faulty)
    met, found = [], {}
    for called, change in changes.items():
        await change(operated)
        await see(api, namespace, operated.store)
        faulty.arm()
        await played(operated, faulty)
        met += [called] * faulty.met
        found[called] = await normalised(operated)
    return met, found


async def normalised(operated: Operated) -> dict[str, Any]:
    """What is there, without what is another in each life."""
    bodies = await operated.bodies()
    uid = bodies["ImmutantApp", operated.name]["metadata"]["uid"]
    text = json.dumps({"/".join(key): plain(body) for key, body in bodies.items()})
    text = text.replace(uid, "UID").replace(operated.namespace, "NAMESPACE")
    text = re.sub(r"[0-9a-f]{16,64}|(?<=-blueprint-)[0-9a-f]{10}", "DIGEST", text)  # of the UID
    found = json.loads(text)
    assert len(found) == len(bodies), sorted(name for _, name in bodies)
    return {**found, "pods": sorted(await operated.pods())}


def plain(body: Json) -> Json:
    metadata, status = body["metadata"], body.get("status", {})
    kept = ("name", "labels", "annotations", "ownerReferences", "finalizers")
    spec = {key: one for key, one in body.get("spec", {}).items() if "clusterIP" not in key}
    rest = {key: one for key, one in body.items() if key not in ("metadata", "status", "revision")}
    conditions = [
        {key: one for key, one in condition.items() if key != "lastTransitionTime"}
        for condition in status.get("conditions", ())
    ]
    return {
        **rest,
        "spec": spec,
        "metadata": {key: metadata.get(key) for key in kept},
        "conditions": conditions if body["kind"] == APP_KIND[1] else [],
    }


async def test_an_operator_killed_at_any_write_makes_and_changes_and_removes_the_same_objects(
    server: ApiServer, api: Api, namespace: str
) -> None:
    async def created(operated: Operated) -> None:
        await operated.source("one")
        await operated.write(replicas=0, source=SOURCE, web=HOST)

    async def changed(operated: Operated) -> None:
        await operated.source("two")
        await operated.write(replicas=0, source=SOURCE, web={**HOST, "hosts": ["b.example.org"]})

    async def turned_off(operated: Operated) -> None:
        await operated.write(replicas=0, web={"router": {"enabled": False}})

    changes = {"created": created, "changed": changed, "turned off": turned_off}
    await all_lives(server, api, namespace, changes, [Fault.DEATH])


async def test_an_operator_killed_at_any_write_about_pods_rolls_the_only_one_beside_a_second(
    server: ApiServer, api: Api, namespace: str
) -> None:
    def serving(text: str) -> Change:
        async def change(operated: Operated) -> None:
            await operated.source(text)
            await operated.write(source=SOURCE, web={"router": {"enabled": False}})

        return change

    changes = {"created": serving("one"), "rolled": serving("two")}
    kinds = ("pods", "statefulsets", "configmaps")
    await all_lives(server, api, namespace, changes, Fault, kinds)


async def all_lives(
    server: ApiServer,
    api: Api,
    namespace: str,
    changes: Mapping[str, Change],
    faults: Iterable[Fault],
    kinds: Collection[str] = (),
) -> None:
    _, undisturbed = await life(server, api, f"{namespace}-undisturbed", changes, Fault.LOST, 0)
    gate, seen = asyncio.Semaphore(AT_ONCE), set()

    async def lives(fault: Fault) -> None:
        left = dict(changes)
        for number in itertools.count(1):
            async with gate:
                own = f"{namespace}-{fault.name.lower()}-{number}"
                met, found = await life(server, api, own, left, fault, number, kinds)
            for called, there in found.items():
                assert there == undisturbed[called], (fault, number, called)
            seen.update(met)
            while left and next(reversed(left)) not in met:
                left.popitem()  # it has no point of this number, and so none of the next
            if not left:
                print(f"{number - 1} points: {fault.value}")
                return

    await asyncio.gather(*map(lives, faults))
    assert seen == set(changes), "a fault was met after each change"
