"""One app, brought one step nearer to its spec: parse, build, apply, step, report.

Idempotent, and from what is there alone: whatever was missed or half done before is made good.
Belongs here: the order of things. Not here: when it is called (`immutant_operator.handlers`).
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from immutant_operator import inputs
from immutant_operator.api import APP_KIND, Api
from immutant_operator.apply import Applied, Inventory, apply_all, inventory, lacking, prune
from immutant_operator.builders import Cluster, Payload, everything, snapshot_name
from immutant_operator.errors import AppError, SpecError
from immutant_operator.grid import PATIENCE, Grid
from immutant_operator.keeping import Keeper
from immutant_operator.losing import replace_lost
from immutant_operator.moves import Budget
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet, Pod
from immutant_operator.pace import Pace
from immutant_operator.registry import Key, Registry
from immutant_operator.reporting import now, report
from immutant_operator.rollout import next_size, next_step
from immutant_operator.roster import Roster
from immutant_operator.sightings import Sightings
from immutant_operator.spec import App, parse
from immutant_operator.status import Finding, compose, unreadable

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
    """What is there of an app."""

    objects: Inventory
    pods: list[Json]
    roster: Roster
    grid: Grid

    def fleet(self, app: App, statefulset: Json | None = None) -> Fleet:
        found = statefulset or self.objects.get(("StatefulSet", app.name))
        return Fleet.read(found, self.pods)

    @property
    def serves(self) -> bool:
        """Whether a pod serves or has data, or may soon: all but pods whose trouble is known."""
        return bool(self.grid.holders) or any(pod.trouble is None for pod in self.grid.pods)

    def without(self, uids: Collection[str]) -> "_There":
        """The same after these pods have gone, so that no other is taken before they are back."""
        pods = [body for body in self.pods if body["metadata"]["uid"] not in uids]
        grid = replace(self.grid, pods=tuple(p for p in self.grid.pods if p.uid not in uids))
        return replace(self, pods=pods, grid=grid)


@dataclass(slots=True)
class _Memory:
    """What is remembered of an app; losing it costs requests and waits."""

    applied: Applied
    budget: Budget
    sightings: Sightings


class Reconciler:
    """Reconciles apps by their keys."""

    def __init__(
        self,
        api: Api,
        cluster: Cluster,
        registry: Registry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._cluster = cluster
        self._registry = registry
        self._clock = clock
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
        body = await self._api.find(*APP_KIND, *key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            self._registry.forget(key)
            self._memories.pop(key, None)
            return None
        try:
            app = parse(body)
        except SpecError as error:
            await self._report_unreadable(body, error)
            return None
        self._registry.refer(key, inputs.references(app))
        memory = self._memories.setdefault(key, _Memory({}, Budget(self._clock), Sightings()))
        finding = await self._bring(app, body, memory)
        status = compose(app, finding, body.get("status") or {}, now())
        await report(self._api, body, status, finding.roster, memory.budget)
        return _again(finding)

    async def _bring(self, app: App, body: Json, memory: _Memory) -> Finding:
        there = await self._look(app, memory)
        found = await replace_lost(self._api, app, body, there.fleet(app), there.grid)
        there = there.without({pod.uid for pod in found.replaced})
        try:
            finding = await self._carry_out(app, body, there, memory)
        except AppError as error:
            problem = (error.reason, str(error))
            finding = Finding(there.fleet(app), None, problem, there.roster, there.grid)
        return replace(finding, kept=found.kept)

    async def _look(self, app: App, memory: _Memory) -> _There:
        asked = self._clock()
        labels = {**app.labels, "app.kubernetes.io/component": "app"}
        bodies = await self._api.list("v1", "Pod", app.namespace, labels)
        leases = await self._api.list("coordination.k8s.io/v1", "Lease", app.namespace, app.labels)
        roster = Roster.read(app.name, app.uid, leases)
        pods = Fleet.read(None, bodies).pods
        ages = memory.sightings.look(pods, roster.members, asked, self._clock())
        grid = Grid(pods, roster.members, ages)
        return _There(await inventory(self._api, app), bodies, roster, grid)

    async def _carry_out(self, app: App, body: Json, there: _There, memory: _Memory) -> Finding:
        wanted, pace = app.spec.replicas, Pace.of(app)
        source = await inputs.source(self._api, app)
        copy = snapshot_name(app, source) if source is not None else None
        keeper = Keeper(app, body, self._cluster)
        fresh = keeper.fresh(copy, await inputs.digest(self._api, app))
        chosen = keeper.chosen(fresh, there.objects, serves=there.serves)
        payload = Payload(
            replicas=next_size(wanted, there.fleet(app), there.grid, pace),
            blueprint=chosen,
            source=source,
            holds_drains=there.grid.holds_drains,
        )
        objects = everything(app, payload)
        applied = await apply_all(self._api, app, objects, there.objects, memory.applied)
        fleet = there.fleet(app, applied["StatefulSet", app.name])
        await prune(self._api, app, objects, there.objects, _used(fleet))
        for lease in _ghosts(there.roster, fleet):
            await self._api.delete(lease, unchanged=True)
        step = next_step(wanted, fleet, there.grid, pace)
        for pod in step.replace:
            await self._delete(app, pod)
        finding = Finding(fleet, step, lacking(objects, applied), there.roster, there.grid)
        return replace(finding, runtime=chosen.version, newer=chosen.pods != fresh.pods)

    async def _delete(self, app: App, pod: Pod) -> None:
        metadata = {"name": pod.name, "namespace": app.namespace, "uid": pod.uid}
        await self._api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})

    async def _report_unreadable(self, body: Json, error: SpecError) -> None:
        generation = body["metadata"].get("generation", 0)
        former = body.get("status") or {}
        status = unreadable(generation, (error.reason, str(error)), former, now())
        await report(self._api, body, status)


def _again(finding: Finding) -> float | None:
    """When to look again, although no watch may tell of a change until then."""
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
