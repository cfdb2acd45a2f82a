"""Whether an app's pods stay as they were made, or are made as this operator makes them.

What users have changed comes at once, and brings with it what a new operator makes otherwise. What
the operator alone makes otherwise waits for that: a new operator restarts nothing. Belongs here:
the choice, without I/O. Not here: how a blueprint is kept (`immutant_operator.builders`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from immutant.contract import names
from immutant_operator.builders import (
    CONFIGURATION_FILE,
    INPUTS,
    PIN,
    Basis,
    Blueprint,
    Cluster,
    Pods,
    RouterPods,
    newest,
    pods,
)
from immutant_operator.errors import SpecError
from immutant_operator.objects import Json
from immutant_operator.observed import source_of
from immutant_operator.spec import App, parse

__all__ = ["Keeper"]


@dataclass(frozen=True, slots=True)
class Keeper:
    """Chooses the blueprint of one app.

    Attributes:
        app: The app.
        body: The same as the API server holds it.
        cluster: Where it runs, and the version of this operator.
    """

    app: App
    body: Json
    cluster: Cluster

    def fresh(self, source: str | None, inputs: str | None) -> Blueprint:
        """What this operator makes of what users have written now.

        Args:
            source: What the source is fixed to, if there is one.
            inputs: The digest of what the environment refers to, if anything.
        """
        basis = Basis(self.body.get("spec") or {}, source, inputs)
        made = pods(self.app, self.cluster, source, inputs)
        return Blueprint(basis, made, self.cluster.version)

    def known(self, there: Mapping[Any, Json]) -> Basis | None:
        """What the app's pods were made of, if a blueprint tells."""
        found = newest(self.app, there.values())
        return found.basis if found is not None else None

    def chosen(
        self, fresh: Blueprint, there: Mapping[Any, Json], *, serves: bool = True
    ) -> Blueprint:
        """What the pods are to be made from.

        Args:
            fresh: What this operator makes of it.
            there: The app's objects that are there.
            serves: Whether a pod serves or has data. Where none does, nothing is restarted by what
                is new, and it may be what helps.
        """
        known = newest(self.app, there.values()) or self._found(fresh, there.values())
        if known is None:
            return fresh
        then = self._rebuilt(known.basis)
        if not serves or then is None or then.app != fresh.pods.app:
            kept = fresh
        else:
            same_router = then.router == fresh.pods.router
            router = known.pods.router if same_router else fresh.pods.router
            is_fresh = known.pods.app == fresh.pods.app
            version = fresh.version if is_fresh else known.version
            kept = replace(fresh, pods=Pods(known.pods.app, router), version=version)
        is_known = replace(kept, number=known.number) == known
        return known if is_known else replace(kept, number=known.number + 1)

    def _rebuilt(self, basis: Basis) -> Pods | None:
        """What this operator makes of what users had written; None: nothing, it cannot be read."""
        try:
            then = parse({**self.body, "spec": basis.spec})
        except SpecError:
            return None
        return pods(then, self.cluster, basis.source, basis.inputs)

    def _found(self, fresh: Blueprint, there: Iterable[Json]) -> Blueprint | None:
        """What the pods are made from where no blueprint tells of it; None: nothing worth keeping.

        An operator has made them that wrote none, or it was removed by hand. What cannot be told
        then is what users had written: it is what they have written now, if the status says that
        this was carried out.
        """
        objects = {(one["kind"], one["metadata"]["name"]): one for one in there}
        found = objects.get(("StatefulSet", self.app.name))
        if found is None or not self._is_carried_out():
            return None
        template = found["spec"]["template"]
        basis = replace(fresh.basis, source=_pin(template), inputs=_note(template, INPUTS))
        if _covers(template, fresh.pods.app):
            template = fresh.pods.app
        return Blueprint(basis, Pods(template, _router(objects, self.app, fresh.pods)), "")

    def _is_carried_out(self) -> bool:
        conditions = (self.body.get("status") or {}).get("conditions") or ()
        said = {one["type"]: one for one in conditions}.get("Progressing") or {}
        is_of_now = bool(said) and said["observedGeneration"] == self.app.generation
        return is_of_now and said["reason"] != "Stopped"


def _pin(template: Json) -> str | None:
    return source_of(template) or _note(template, PIN)


def _note(template: Json, name: str) -> str | None:
    found: str | None = (template["metadata"].get("annotations") or {}).get(name)
    return found


def _router(objects: Mapping[tuple[str, str], Json], app: App, fresh: Pods) -> RouterPods | None:
    """What a router that is there was made from, where that is not what is made now."""
    name = names.router_name(app.name)
    deployment, file = objects.get(("Deployment", name)), objects.get(("ConfigMap", name))
    if deployment is None or file is None or fresh.router is None:
        return fresh.router
    text = (file.get("data") or {}).get(CONFIGURATION_FILE, "")
    template = deployment["spec"]["template"]
    is_same = text == fresh.router.configuration and _covers(template, fresh.router.template)
    return fresh.router if is_same else RouterPods(text, template)


def _covers(found: object, wanted: object) -> bool:
    """Whether all that is wanted is there; the API server has added what it takes for granted."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return all(key in found and _covers(found[key], one) for key, one in wanted.items())
    if isinstance(found, list) and isinstance(wanted, list):
        same = len(found) == len(wanted)
        return same and all(_covers(*pair) for pair in zip(found, wanted, strict=True))
    return found == wanted
