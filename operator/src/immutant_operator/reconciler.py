"""One app, brought one step nearer to its spec: parse, build, apply, step, report.

Idempotent, and from what is there alone: whatever was missed or half done before is made good.
Belongs here: the order of things. Not here: when it is called (`immutant_operator.handlers`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from immutant_operator import inputs
from immutant_operator.api import APP_KIND, Api
from immutant_operator.apply import Applied, Inventory, apply_all, inventory, lacking, prune
from immutant_operator.builders import Cluster, Payload, everything
from immutant_operator.errors import AppError, SpecError
from immutant_operator.moves import Budget
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet
from immutant_operator.registry import Key, Registry
from immutant_operator.reporting import now, report
from immutant_operator.rollout import next_size, next_step
from immutant_operator.roster import Roster
from immutant_operator.spec import App, parse
from immutant_operator.status import Finding, compose, unreadable

__all__ = ["Reconciler"]


@dataclass(frozen=True, slots=True)
class _There:
    """What is there of an app."""

    objects: Inventory
    pods: list[Json]
    roster: Roster

    def fleet(self, app: App, statefulset: Json | None = None) -> Fleet:
        found = statefulset or self.objects.get(("StatefulSet", app.name))
        return Fleet.read(found, self.pods)


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
        self._applied: dict[Key, Applied] = {}
        self._budgets: dict[Key, Budget] = {}

    async def reconcile(self, key: Key) -> None:
        """Bring one app a step nearer to its spec, and report.

        A problem that only the user can mend is reported, not raised: the next change or the next
        round will look again.

        Raises:
            ApiError: The API server did not do its part; try again.
        """
        body = await self._api.find(*APP_KIND, *key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            self._registry.forget(key)
            self._applied.pop(key, None)
            self._budgets.pop(key, None)
            return
        try:
            app = parse(body)
        except SpecError as error:
            await self._report_unreadable(body, error)
            return
        self._registry.refer(key, inputs.references(app))
        finding = await self._bring(app)
        status = compose(app, finding, body.get("status") or {}, now())
        budget = self._budgets.setdefault(key, Budget(self._clock))
        await report(self._api, body, status, finding.roster, budget)

    async def _bring(self, app: App) -> Finding:
        there = await self._look(app)
        try:
            return await self._carry_out(app, there)
        except AppError as error:
            return Finding(there.fleet(app), None, (error.reason, str(error)), there.roster)

    async def _look(self, app: App) -> _There:
        labels = {**app.labels, "app.kubernetes.io/component": "app"}
        pods = await self._api.list("v1", "Pod", app.namespace, labels)
        leases = await self._api.list("coordination.k8s.io/v1", "Lease", app.namespace, app.labels)
        roster = Roster.read(app.name, app.uid, leases)
        return _There(await inventory(self._api, app), pods, roster)

    async def _carry_out(self, app: App, there: _There) -> Finding:
        payload = Payload(
            replicas=next_size(app.spec.replicas, there.fleet(app)),
            source=await inputs.source(self._api, app),
            inputs=await inputs.digest(self._api, app),
        )
        wanted = everything(app, self._cluster, payload)
        former = self._applied.setdefault((app.namespace, app.name), {})
        applied = await apply_all(self._api, app, wanted, there.objects, former)
        fleet = there.fleet(app, applied["StatefulSet", app.name])
        await prune(self._api, app, wanted, there.objects, _used(fleet))
        for lease in _ghosts(there.roster, fleet):
            await self._api.delete(lease, unchanged=True)
        step = next_step(app.spec.replicas, fleet)
        if step.replace is not None:
            await self._replace(app, step.replace.name, step.replace.uid)
        return Finding(fleet, step, lacking(wanted, applied), there.roster)

    async def _replace(self, app: App, name: str, uid: str) -> None:
        metadata = {"name": name, "namespace": app.namespace, "uid": uid}
        await self._api.delete({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})

    async def _report_unreadable(self, body: Json, error: SpecError) -> None:
        generation = body["metadata"].get("generation", 0)
        former = body.get("status") or {}
        status = unreadable(generation, (error.reason, str(error)), former, now())
        await report(self._api, body, status)


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
