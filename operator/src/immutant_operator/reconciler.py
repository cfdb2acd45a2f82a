"""One app, brought one step nearer to its spec: parse, build, apply, step, report.

Idempotent, and from what is there alone: whatever was missed or half done before is made good.
What the watches have shown says whether there is something to do. What is then done, is decided by
what the API server says when it is asked: a watch may lag, or hang, and a pod is gone for good.
Belongs here: the order of things. Not here: when it is called (`immutant_operator.handlers`).
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from immutant_operator.api import Api
from immutant_operator.apply import Applied, apply_all, is_done, lacking, prune
from immutant_operator.blueprints import Blueprints
from immutant_operator.builders import Cluster, Payload, everything
from immutant_operator.errors import AppError, SpecError
from immutant_operator.grid import PATIENCE, Grid
from immutant_operator.inputs import Inputs, references
from immutant_operator.keeping import Keeper
from immutant_operator.kinds import POD, STATEFULSET
from immutant_operator.losing import replace_lost
from immutant_operator.moves import Budget
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet, Pod, Scale
from immutant_operator.pace import Pace
from immutant_operator.registry import Key, Registry
from immutant_operator.remotes import Remotes
from immutant_operator.reporting import now, report
from immutant_operator.rollout import next_size, next_step
from immutant_operator.roster import Roster
from immutant_operator.seen import Seen
from immutant_operator.sightings import Sightings
from immutant_operator.spec import App, parse
from immutant_operator.status import Finding, compose, unreadable
from immutant_operator.store import Store

__all__ = ["Reconciler"]

_SOONEST = 1.0
_LATEST = 10.0
"""Seconds after which to look again at what no watch tells of, which are the members' Leases: the
longer it has been so, the later."""

_AWHILE = 120.0
"""Seconds after which a pod that does not serve is left to the round of a minute: by then it is
known whether its node can be reached."""


@dataclass(frozen=True, slots=True)
class _There:
    """What is there of an app's pods.

    Attributes:
        fleet: The pods, and what their StatefulSet makes of them.
        roster: What the Leases say.
        grid: What is known of the grid.
        is_asked: Whether the API server was asked for all of it, or the watches' word was taken.
    """

    fleet: Fleet
    roster: Roster
    grid: Grid
    is_asked: bool

    @property
    def serves(self) -> bool:
        """Whether a pod serves or has data, or may soon: all but pods whose trouble is known."""
        return bool(self.grid.holders) or any(pod.trouble is None for pod in self.grid.pods)

    def without(self, uids: Collection[str]) -> "_There":
        """The same after these pods have gone, so that no other is taken before they are back."""
        pods = tuple(pod for pod in self.fleet.pods if pod.uid not in uids)
        return replace(
            self, fleet=replace(self.fleet, pods=pods), grid=replace(self.grid, pods=pods)
        )


@dataclass(slots=True)
class _Memory:
    """What is remembered of an app; losing it costs requests and waits."""

    applied: Applied
    budget: Budget
    sightings: Sightings
    blueprints: Blueprints


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be there of an app.

    Attributes:
        objects: All of its objects.
        runtime: The version of the operator that made what its pods are made from; "": unknown.
        newer: Whether this operator makes other pods, which wait for the app's next rollout.
        source: What the source is fixed to, if there is one.
    """

    objects: list[Json]
    runtime: str
    newer: bool
    source: str | None


class Reconciler:
    """Reconciles apps by their keys.

    Attributes:
        cluster: What it builds for; it may be set anew at any time.
    """

    def __init__(
        self,
        api: Api,
        store: Store,
        cluster: Cluster,
        registry: Registry,
        clock: Callable[[], float] = time.monotonic,
        remotes: Remotes | None = None,
    ) -> None:
        self._api = api
        self._store = store
        self.cluster = cluster
        self._registry = registry
        self._clock = clock
        self._remotes = remotes or Remotes()
        self._memories: dict[Key, _Memory] = {}

    async def reconcile(self, key: Key) -> float | None:
        """Bring one app a step nearer to its spec, and report.

        A problem that only the user can mend is reported, not raised: the next change or the next
        round will look again.

        Returns:
            Seconds after which to look again, whatever the watches bring; None: there is no need.

        Raises:
            ApiError: The API server did not do its part; try again.
        """
        body = self._store.app(key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            self._registry.forget(key)
            self._remotes.forget(key)
            self._memories.pop(key, None)
            return None
        again = await self._reconcile(key, body)
        # The answer to the operator's own write of the status may be what shows a new spec first:
        # the watch's word of it is no news then.
        return 0.0 if _is_another(body, self._store.app(key)) else again

    async def _reconcile(self, key: Key, body: Json) -> float | None:
        try:
            app = parse(body)
        except SpecError as error:
            await self._report_unreadable(body, error)
            return None
        self._registry.refer(key, references(app))
        memory = self._memories.setdefault(key, self._blank())
        finding = await self._bring(app, body, memory)
        status = compose(app, finding, body.get("status") or {}, now())
        await report(self._api, self._store, body, status, finding.roster, memory.budget)
        return _again(finding)

    def _blank(self) -> _Memory:
        blueprints = Blueprints(self._api, self._store)
        return _Memory({}, Budget(self._clock), Sightings(), blueprints)

    async def _bring(self, app: App, body: Json, memory: _Memory) -> Finding:
        there = await self._look(app, memory)
        found = await replace_lost(self._api, app, body, there.fleet, there.grid)
        there = there.without({pod.uid for pod in found.replaced})
        try:
            finding = await self._carry_out(app, body, there, memory)
        except AppError as error:
            problem = (error.reason, str(error))
            finding = Finding(there.fleet, None, problem, there.roster, there.grid)
        return replace(finding, kept=found.kept)

    async def _look(self, app: App, memory: _Memory, *, ask: bool = False) -> _There:
        """What is there; of pods that rest, by what the watches have shown.

        Members' Leases are asked for at each look: no watch tells of them.
        """
        asked = self._clock()
        fleet = self._kept_fleet(app)
        ask = ask or not memory.applied or not fleet.rests(app.spec.replicas)
        if ask:
            fleet = await self._asked_fleet(app, memory)
        leases = await self._api.list("coordination.k8s.io/v1", "Lease", app.namespace, app.labels)
        roster = Roster.read(app.name, app.uid, leases)
        ages = memory.sightings.look(fleet.pods, roster.members, asked, self._clock())
        return _There(fleet, roster, Grid(fleet.pods, roster.members, ages), ask)

    def _kept_fleet(self, app: App) -> Fleet:
        statefulset = self._store.inventory(app.key).get(("StatefulSet", app.name))
        return Fleet.of(statefulset.scale if statefulset else None, self._store.pods(app.key))

    async def _asked_fleet(self, app: App, memory: _Memory) -> Fleet:
        bodies = await self._api.list(POD.version, POD.name, app.namespace, app.selector("app"))
        seen = (Seen.read(body) for body in bodies)
        pods = [one.content for one in seen if one is not None and isinstance(one.content, Pod)]
        kind = STATEFULSET.version, STATEFULSET.name
        statefulset = await self._api.find(*kind, app.namespace, app.name)
        if statefulset is None:
            memory.applied.pop((STATEFULSET.name, app.name), None)
            return Fleet.of(None, pods)
        self._store.saw(statefulset)
        return Fleet.of(Scale.read(statefulset), pods)

    async def _carry_out(self, app: App, body: Json, there: _There, memory: _Memory) -> Finding:
        """Do what is to be done: whatever it is, it is found out again by asking before."""
        inputs = await Inputs.read(self._api, app, self._remotes)
        plan = await self._plan(app, body, there, inputs, memory)
        if not there.is_asked and not self._is_done(app, plan.objects, there, memory):
            there = await self._look(app, memory, ask=True)
            plan = await self._plan(app, body, there, inputs, memory)
        applied = await apply_all(self._api, self._store, app, plan.objects, memory.applied)
        statefulset = applied[STATEFULSET.name, app.name]
        fleet = Fleet.of(statefulset.scale, there.fleet.pods)
        await prune(self._api, app, plan.objects, self._store.inventory(app.key), _used(fleet))
        for lease in _ghosts(there.roster, fleet):
            await self._api.delete(lease, unchanged=True)
        step = next_step(app.spec.replicas, fleet, there.grid, Pace.of(app))
        for pod in step.replace if there.is_asked else ():
            await self._delete(app, pod)
        lacks = lacking(plan.objects, applied)
        behind = (inputs.trouble.reason, str(inputs.trouble)) if inputs.trouble else None
        finding = Finding(fleet, step, lacks or behind, there.roster, there.grid)
        return replace(
            finding,
            runtime=plan.runtime,
            newer=plan.newer,
            source=plan.source,
            again=inputs.again,
        )

    async def _plan(
        self, app: App, body: Json, there: _There, inputs: Inputs, memory: _Memory
    ) -> _Plan:
        keeper = Keeper(app, body, self.cluster)
        found = await memory.blueprints.there(app, ask=there.is_asked)
        inputs = inputs.fixed(app, keeper.known(found))
        fresh = keeper.fresh(inputs.pin, inputs.digest)
        chosen = keeper.chosen(fresh, found, serves=there.serves)
        size = next_size(app.spec.replicas, there.fleet, there.grid, Pace.of(app))
        payload = Payload(size, chosen, inputs.source, there.grid.holds_drains)
        newer = chosen.pods != fresh.pods
        objects = everything(app, payload, self.cluster)
        return _Plan(objects, chosen.version, newer, inputs.pin)

    def _is_done(self, app: App, objects: list[Json], there: _There, memory: _Memory) -> bool:
        used, kept = _used(there.fleet), self._store.inventory(app.key)
        done = is_done(app, objects, kept, memory.applied, used)
        return done and not _ghosts(there.roster, there.fleet)

    async def _delete(self, app: App, pod: Pod) -> None:
        metadata = {"name": pod.name, "namespace": app.namespace, "uid": pod.uid}
        await self._api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})

    async def _report_unreadable(self, body: Json, error: SpecError) -> None:
        generation = body["metadata"].get("generation", 0)
        former = body.get("status") or {}
        status = unreadable(generation, (error.reason, str(error)), former, now())
        await report(self._api, self._store, body, status)


def _is_another(body: Json, newer: Json | None) -> bool:
    """Whether an app is another one by now, but for its status; one that has gone is none."""
    return newer is not None and _stated(newer) != _stated(body)


def _stated(body: Json) -> Json:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": ""}, "status": None}


def _again(finding: Finding) -> float | None:
    """When to look again, although no watch may tell of a change until then."""
    return min(filter(None, (_pods_again(finding), finding.again)), default=None)


def _pods_again(finding: Finding) -> float | None:
    fleet, grid = finding.fleet, finding.grid
    awaited = finding.step.again if finding.step is not None else None
    since = [grid.ages.settled] if awaited is not None or _is_unsafe(fleet, grid) else []
    down = [pod for pod in fleet.pods if pod.node and not pod.ready and grid.lease(pod) is not None]
    since += [age for pod in down if (age := grid.ages.steady.get(pod.uid, 0.0)) < _AWHILE]
    if not since:
        return None
    return max(awaited or 0.0, min(_LATEST, max(_SOONEST, min(since) / 10)))


def _is_unsafe(fleet: Fleet, grid: Grid) -> bool:
    """Whether the grid is not safe, and may become so; who says nothing for long will not."""
    status = grid.verdict().status
    told = status == "False" or (status == "Unknown" and grid.ages.settled < 2 * PATIENCE)
    return fleet.ready > 0 and told


def _used(fleet: Fleet) -> set[tuple[str, str]]:
    """The copies of the source that pods have mounted: they may have to start again from them."""
    return {("ConfigMap", pod.source) for pod in fleet.pods if pod.source is not None}


def _ghosts(roster: Roster, fleet: Fleet) -> list[Json]:
    """Leases of pods that have gone and are not to come again: they would keep their votes."""
    there = {pod.ordinal for pod in fleet.pods}
    return [
        lease
        for ordinal, lease in roster.ended
        if fleet.size is not None and ordinal >= fleet.size and ordinal not in there
    ]
