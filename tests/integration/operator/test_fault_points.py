"""The operator killed at each of its writes, one after the other: the app becomes the same.

The first operator dies with its first write after a change by the user, the second one with its
second, and so on, until one has nothing left to do before its turn comes. None remembers anything.
Where a write is about pods, which are not made again as they were, each fault has a rollout of its
own: the operator dies, or its answer is lost, and the next one, or the same, goes on.

Who dies before a request is sent leaves what he leaves who died with the one before: these points
are the same, and so is a death at a read.
"""

import asyncio
import enum
import itertools
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, condition, is_complete

from immutant_operator.api import APP_KIND, Api, ApiError
from immutant_operator.objects import Json
from immutant_operator.rollout import STEADY

pytestmark = pytest.mark.timeout(300)

LOOKS = 200
HOST = {"host": "demo.example.org"}
SOURCE = {"configMap": {"name": "demo-source"}}
NEVER = -1

Change = Callable[[Operated], Awaitable[None]]


class Fault(enum.Enum):
    DEATH = "dead before the answer was read"
    LOST = "alive, but without the answer"


class Killed(BaseException):
    """What no code of the operator's catches."""


class Faulty(Api):
    """The API as an operator sees it that meets a fault at one of its writes about some kinds.

    Attributes:
        fault: Which.
        at: At which write; the first is 1.
        writes: How many there were, of any kind.
        met: Whether the fault was met.
    """

    def __init__(self, api: Api, fault: Fault, kinds: Collection[str] = ()) -> None:
        super().__init__(api._connection)
        self.fault, self._kinds = fault, kinds
        self.arm(NEVER)

    def arm(self, at: int) -> None:
        """From now on writes are counted anew."""
        self.at = at
        self.writes = self._counted = 0
        self.met = False

    async def _ask(self, method: str, path: str, *more: Any, **others: Any) -> Json:
        answer = await super()._ask(method, path, *more, **others)
        if method == "GET":
            return answer
        self.writes += 1
        self._counted += not self._kinds or any(f"/{kind}/" in path for kind in self._kinds)
        if self._counted != self.at or self.met:
            return answer
        self.met = True
        if self.fault is Fault.LOST:
            raise ApiError(0, "the answer was lost")
        raise Killed


class Life:
    """One app in a namespace of its own, and the operators that look after it."""

    def __init__(
        self,
        server: ApiServer,
        api: Api,
        namespace: str,
        fault: Fault = Fault.DEATH,
        kinds: Collection[str] = (),
    ) -> None:
        server.call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
        self.operated, self.faulty = Operated(api, namespace), Faulty(api, fault, kinds)
        self.operated.restart(self.faulty)

    async def after(self, change: Change, points: Iterable[int] = ()) -> dict[str, Any]:
        """What there is after a change, and after faults: a next one once an operator has died."""
        left = itertools.chain(points, itertools.repeat(NEVER))
        await change(self.operated)
        await self._see()
        self.faulty.arm(next(left))
        for _ in range(LOOKS):
            if await self._is_done(left):
                return await normalised(self.operated)
        raise AssertionError(self.operated.store.app(self.operated.key))

    async def _is_done(self, points: Iterable[int]) -> bool:
        """Look once; whether there was nothing to do. Another operator looks if this one dies.

        The operator's watches hang: it sees what is there at first, and when all seems to be done.
        """
        operated, before = self.operated, self.faulty.writes
        operated.now += STEADY + 1.0
        try:
            await operated.reconciler.reconcile(operated.key)
        except ApiError:
            return False  # the queue comes again
        except Killed:
            self.faulty.arm(next(iter(points)))
            operated.restart(self.faulty)
            await self._see()
            return False
        app = operated.store.app(operated.key)
        assert app is not None
        if self.faulty.writes == before and is_complete(app):
            generation = condition(app, "Progressing")["observedGeneration"]
            assert generation == app["metadata"]["generation"]
            return True
        await operated.make_ready()
        if is_complete(app):
            await self._see()
        else:
            await asyncio.sleep(0.1)  # the controllers have their turn
        return False

    async def _see(self) -> None:
        await self.operated.see()


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


async def test_operators_killed_one_write_later_each_make_and_change_and_remove_the_same_objects(
    server: ApiServer, api: Api, namespace: str
) -> None:
    async def created(operated: Operated) -> None:
        await operated.source("one")
        await operated.write(replicas=0, source=SOURCE, web=HOST)

    async def changed(operated: Operated) -> None:
        await operated.source("two")
        await operated.write(replicas=0, source=SOURCE, web={"router": {"enabled": False}})

    undisturbed = Life(server, api, f"{namespace}-undisturbed")
    killed = Life(server, api, f"{namespace}-killed")
    for change in (created, changed):
        wanted = await undisturbed.after(change)
        assert await killed.after(change, itertools.count(1)) == wanted
        deaths = killed.faulty.at - 1
        print(f"{deaths} points, {change.__name__}: {Fault.DEATH.value}")
        assert deaths >= len(wanted) - 2, "each object is a write; pods and the app are none"


async def test_a_fault_at_any_write_about_pods_rolls_the_only_one_beside_a_second(
    server: ApiServer, api: Api, namespace: str
) -> None:
    kinds = "pods", "statefulsets", "configmaps", "controllerrevisions"
    lives = [Life(server, api, f"{namespace}-{one.name.lower()}", one, kinds) for one in Fault]
    await asyncio.gather(*map(rolled_with_faults, lives))


async def rolled_with_faults(life: Life) -> None:
    """To and fro between two sources, with a fault at another write each time."""
    await life.after(serving("one"))
    undisturbed = {text: await life.after(serving(text)) for text in ("two", "one")}
    points = itertools.count(1)
    for point, text in zip(points, itertools.cycle(undisturbed), strict=False):
        assert await life.after(serving(text), [point]) == undisturbed[text], point
        if life.faulty.at == point and not life.faulty.met:
            break
    print(f"{point - 1} points: {life.faulty.fault.value}")
    assert point > 6, "copy, blueprint, template, second pod, first pod, one pod again"


def serving(text: str) -> Change:
    async def change(operated: Operated) -> None:
        await operated.source(text)
        await operated.write(source=SOURCE, web={"router": {"enabled": False}})

    return change
