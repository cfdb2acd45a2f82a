"""What users see: counts, URL and conditions, from what was found out.

Belongs here: the status as a pure function. Not here: writing it (`immutant_operator.reporting`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from immutant_operator.objects import Json
from immutant_operator.observed import Fleet
from immutant_operator.rollout import Step
from immutant_operator.roster import Roster
from immutant_operator.singletons import reported
from immutant_operator.spec import App

__all__ = ["Finding", "compose", "degraded", "unreadable"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reconcile has found out.

    Attributes:
        fleet: The pods.
        step: What is under way.
        problem: What keeps the spec from being carried out: a reason and a sentence.
        roster: What the Leases say.
    """

    fleet: Fleet
    step: Step | None
    problem: tuple[str, str] | None = None
    roster: Roster = field(default_factory=Roster)


def compose(app: App, finding: Finding, former: Mapping[str, Any], now: str) -> Json:
    """The status.

    Args:
        app: Whose.
        finding: What was found out.
        former: The status as it was; conditions that have not changed keep their time.
        now: The time of those that have, in RFC 3339.
    """
    fleet, wanted = finding.fleet, app.spec.replicas
    states = {
        "Ready": _ready(wanted, fleet.ready),
        "Progressing": _progressing(finding),
        "Degraded": degraded(finding),
    }
    return {
        "observedGeneration": app.generation,
        "replicas": len(fleet.pods),
        "readyReplicas": fleet.ready,
        "ready": f"{fleet.ready}/{wanted}",
        "selector": ",".join(f"{key}={value}" for key, value in app.selector("app").items()),
        "url": app.url,
        **reported(finding.roster, former, now),
        "conditions": _conditions(states, app.generation, former, now),
    }


def unreadable(generation: int, problem: tuple[str, str], former: Json, now: str) -> Json:
    """The status of an app whose spec cannot be read: what is known stays, and the problem."""
    kept = {one["type"]: one for one in former.get("conditions", ()) if one["type"] != "Degraded"}
    new = _conditions({"Degraded": ("True", *problem)}, generation, former, now)
    return {**former, "observedGeneration": generation, "conditions": [*kept.values(), *new]}


State = tuple[str, str, str]
"""Status, reason, message."""


def _ready(wanted: int, ready: int) -> State:
    if wanted == 0:
        return "True", "ScaledToZero", "no pods are wanted"
    enough = ready >= wanted
    sentence = f"{ready} of {wanted} pods are ready"
    return ("True", "PodsReady", sentence) if enough else ("False", "PodsNotReady", sentence)


def _progressing(finding: Finding) -> State:
    if finding.step is None:
        return "False", "Stopped", "nothing is changed before the trouble is mended"
    moving = "True" if finding.step.moving else "False"
    return moving, finding.step.reason, finding.step.message


def degraded(finding: Finding) -> State:
    """The condition Degraded: the spec's problem, or that of the first pod that has one."""
    if finding.problem is not None:
        return "True", *finding.problem
    troubles = [pod.trouble for pod in finding.fleet.pods if pod.trouble is not None]
    if troubles:
        return "True", troubles[0].reason, troubles[0].message
    return "False", "AsExpected", "no trouble is known"


def _conditions(
    states: Mapping[str, State], generation: int, former: Mapping[str, Any], now: str
) -> list[Json]:
    before = {one["type"]: one for one in former.get("conditions") or ()}
    return [
        {
            "type": kind,
            "status": state[0],
            "reason": state[1],
            "message": state[2],
            "observedGeneration": generation,
            "lastTransitionTime": _since(before.get(kind), state[0], now),
        }
        for kind, state in states.items()
    ]


def _since(before: Json | None, status: str, now: str) -> str:
    if before is not None and before["status"] == status:
        return str(before["lastTransitionTime"])
    return now
