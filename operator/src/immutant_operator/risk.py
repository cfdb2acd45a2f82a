"""Whether the data could be lost with the next pod, or is lost: the condition DataAtRisk.

Belongs here: the condition, without I/O. Not here: whether the grid is safe (`grid`).
"""

from collections.abc import Mapping
from typing import Any, Final

from immutant_operator.grid import Grid
from immutant_operator.spec import App

__all__ = ["GRAVE", "QUIET", "at_risk"]

_NOTHING_YET: Final = {"", "NoData", "ScaledToZero"}
"""Reasons after which there was nothing to lose."""

QUIET: Final = {"AllCopies", "CopiesMissing"}
"""Reasons between which a rollout goes to and fro."""

GRAVE: Final = {"ScaledToZero", "NoPodHasData"}
"""Reasons that cost data."""


def at_risk(app: App, grid: Grid, former: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """The condition's status, reason and message.

    Args:
        app: Whose.
        grid: What is known of its grid.
        former: The condition as it was, if there was one.
    """
    owners, there = app.spec.cache.owners, len(grid.holders)
    if app.spec.replicas == 0:
        return "True", "ScaledToZero", "no pods are wanted: what is only in memory goes with them"
    if there == 0:
        if (former or {}).get("reason", "") in _NOTHING_YET:
            return "False", "NoData", "no pod was ready yet, so that there is no data"
        return "True", "NoPodHasData", "no pod is ready or tells of data: it is gone, or cut off"
    if owners == 1:
        return "True", "OneOwner", "cache.owners is 1: what the next pod has that dies is gone"
    if app.spec.replicas < owners:
        sentence = f"{app.spec.replicas} of the {owners} pods that cache.owners asks for are wanted"
        return "True", "TooFewPods", f"{sentence}: raise replicas"
    if there < owners:
        return "True", "CopiesMissing", f"{there} of the {owners} pods that keep an entry are there"
    verdict = grid.verdict()
    if verdict.reason == "CopiesMissing":
        return "True", "CopiesMissing", verdict.message
    return "False", "AllCopies", f"each entry is on {owners} pods"
