"""What users see: counts, URL and conditions, from what was found out.

Belongs here: the status as a pure function. Not here: writing it (`immutant_operator.reporting`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from immutant_operator.grid import Grid
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet
from immutant_operator.outcomes import outcome, recorded
from immutant_operator.podtable import rows
from immutant_operator.risk import at_risk
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
        grid: What the Leases of the pods say of the grid.
        kept: Why pods on dead nodes are not replaced; "": there are none.
        runtime: The version of the operator that made what the pods are made from; "": unknown.
        newer: Whether this operator makes other pods, which wait for the app's next rollout.
        source: What the source is fixed to; None: there is none.
        again: Seconds after which to look whether the source is another; None: there is no need.
    """

    fleet: Fleet
    step: Step | None
    problem: tuple[str, str] | None = None
    roster: Roster = field(default_factory=Roster)
    grid: Grid = field(default_factory=Grid)
    kept: str = ""
    runtime: str = ""
    newer: bool = False
    source: str | None = None
    again: float | None = None


def compose(app: App, finding: Finding, former: Mapping[str, Any], now: str) -> Json:
    """The status.

    Args:
        app: Whose.
        finding: What was found out.
        former: The status as it was; conditions that have not changed keep their time.
        now: The time of those that have, in RFC 3339.
    """
    fleet, wanted = finding.fleet, app.spec.replicas
    before = {one["type"]: one for one in former.get("conditions") or ()}
    versions = _versions(fleet, former)
    since = _progressed(app, finding, former, versions, now)
    stalled = _stalled(app, finding.step, since, now)
    verdict = finding.grid.verdict()
    states = {
        "Ready": _ready(wanted, fleet.ready),
        "Progressing": _progressing(finding, stalled),
        "Degraded": degraded(finding, stalled),
        "GridSafe": (verdict.status, verdict.reason, verdict.message),
        "DataAtRisk": at_risk(app, finding.grid, before.get("DataAtRisk")),
    }
    return {
        "observedGeneration": app.generation,
        "replicas": len(fleet.pods),
        "readyReplicas": fleet.ready,
        **versions,
        "progressedAt": since,
        **_runtime(finding, former),
        **_source(app, finding, former),
        **_archives(app, finding, stalled, former, now),
        "ready": f"{fleet.ready}/{wanted}",
        "selector": ",".join(f"{key}={value}" for key, value in app.selector("app").items()),
        "url": app.url,
        "pods": rows(fleet, finding.grid, finding.roster),
        **reported(finding.roster, former, now),
        "conditions": _conditions(states, app.generation, former, now),
    }


def _versions(fleet: Fleet, former: Mapping[str, Any]) -> Json:
    """Which versions there are.

    Before the StatefulSet's controller has seen a change, it is as it was.
    """
    if not fleet.revision:
        told = ("updatedReplicas", "currentRevision", "updateRevision")
        return {key: former[key] for key in told if key in former}
    outdated = [pod.revision for pod in fleet.pods if fleet.outdated(pod)]
    return {
        "updatedReplicas": len(fleet.pods) - len(outdated),
        "currentRevision": outdated[0] if outdated else fleet.revision,
        "updateRevision": fleet.revision,
    }


def _progressed(
    app: App, finding: Finding, former: Mapping[str, Any], versions: Json, now: str
) -> str:
    """When pods last came further, or began to move: time at rest is no standing still."""
    seen = {
        **versions,
        "replicas": len(finding.fleet.pods),
        "observedGeneration": app.generation,
    }
    is_same = all(former.get(key) == value for key, value in seen.items())
    is_moving = finding.step is not None and finding.step.moving
    begins = is_moving and not _was_moving(former)
    return str(former.get("progressedAt", now)) if is_same and not begins else now


def _was_moving(former: Mapping[str, Any]) -> bool:
    return any(
        one["type"] == "Progressing"
        and (one["status"] == "True" or one["reason"] == "RolloutStalled")
        for one in former.get("conditions") or ()
    )


def _runtime(finding: Finding, former: Mapping[str, Any]) -> Json:
    """The version that the pods are of; as it was, where the spec could not be carried out."""
    version = finding.runtime if finding.step is not None else former.get("runtimeVersion", "")
    return {"runtimeVersion": version} if version else {}


def _source(app: App, finding: Finding, former: Mapping[str, Any]) -> Json:
    """The source of new pods; as it was, where the spec could not be carried out."""
    if finding.step is None:
        return {"source": former["source"]} if "source" in former else {}
    stated = app.spec.source
    if stated is None or finding.source is None:
        return {}
    pin = finding.source.rpartition("-")[2] if stated.kind == "configMap" else finding.source
    revision = stated.archive.revision if stated.archive is not None else ""
    found = revision or pin
    short = found[:_SHORT] if _DIGITS.match(found) else found
    return {"source": {"kind": stated.kind, "revision": found, "short": short}}


def _archives(
    app: App, finding: Finding, stalled: str, former: Mapping[str, Any], now: str
) -> Json:
    """What became of the archives that were deployed; nothing where none was."""
    how = outcome(finding.fleet, finding.step, finding.problem, stalled)
    rows = recorded(app, how, former.get("archives") or (), now)
    return {"archives": rows} if rows else {}


_DIGITS: Final = re.compile(r"[0-9a-f]{40,64}$")
_SHORT: Final = 10
"""Digits of a commit that tell it from others, in the table of apps."""


def _stalled(app: App, step: Step | None, since: str, now: str) -> str:
    """That a rollout has stood still for too long, and what it waits for; "": it has not."""
    deadline = app.spec.rollout.progress_deadline
    waited = (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()
    if step is None or not step.moving or waited <= deadline:
        return ""
    return f"nothing has come further for {deadline:g} s: {step.message}"


def unreadable(generation: int, problem: tuple[str, str], former: Json, now: str) -> Json:
    """The status of an app whose spec cannot be read: what is known stays, and the problem."""
    states = {"Progressing": _STOPPED, "Degraded": ("True", *problem)}
    kept = [one for one in former.get("conditions", ()) if one["type"] not in states]
    new = _conditions(states, generation, former, now)
    return {**former, "observedGeneration": generation, "conditions": [*kept, *new]}


_WAITS: Final = "; what this operator makes otherwise comes with the app's next rollout"

State = tuple[str, str, str]
"""Status, reason, message."""

_STOPPED: Final[State] = ("False", "Stopped", "nothing is changed before the trouble is mended")


def _ready(wanted: int, ready: int) -> State:
    if wanted == 0:
        return "True", "ScaledToZero", "no pods are wanted"
    enough = ready >= wanted
    sentence = f"{ready} of {wanted} pods are ready"
    return ("True", "PodsReady", sentence) if enough else ("False", "PodsNotReady", sentence)


def _progressing(finding: Finding, stalled: str) -> State:
    if finding.step is None:
        return _STOPPED
    if stalled:
        return "False", "RolloutStalled", stalled
    moving, message = "True" if finding.step.moving else "False", finding.step.message
    if finding.newer and finding.step.reason == "Complete":
        message += _WAITS
    return moving, finding.step.reason, message


def degraded(finding: Finding, stalled: str = "") -> State:
    """The condition Degraded: what is in the way of the current version before all else.

    That is the spec's problem where nothing is carried out before it is mended, and otherwise the
    first pod of that version that is in trouble. Then come a problem that is in nobody's way, pods
    of a former version, lost nodes, and a stall.
    """
    fleet = finding.fleet
    pods = sorted(fleet.pods, key=fleet.outdated)
    new = [pod for pod in pods if pod.trouble is not None and not fleet.outdated(pod)]
    if finding.problem is not None and (finding.step is None or not new):
        return "True", *finding.problem
    troubles = [pod.trouble for pod in pods if pod.trouble is not None]
    if troubles:
        first = troubles[0]
        # An image of the version before may be gone, and nothing but a rollout asks for another.
        hint = _WAITS if finding.newer and first.reason == "ImagePullFailed" else ""
        return "True", first.reason, first.message + hint
    if finding.kept:
        return "True", "NodeLost", finding.kept
    if stalled:
        return "True", "RolloutStalled", stalled
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
