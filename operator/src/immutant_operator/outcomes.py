"""What became of the archives that were deployed: who goes back wants one that served.

The operator alone sees every rollout to its end; whoever pushed may have stopped waiting. Belongs
here: the rows of `status.archives`, from those before and what is now. Not here: which archive is
gone back to (the command line, by these rows).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from immutant.contract.troubles import PASSING
from immutant_operator.objects import Json
from immutant_operator.observed import Fleet
from immutant_operator.rollout import Step
from immutant_operator.spec import App
from immutant_operator.spec.state import Outcome

__all__ = ["outcome", "recorded"]

_MOST: Final = 10
"""Rows of those that served, and as many of the others. The command line keeps five archives and
those in use, so that none of them lacks its row."""


def outcome(
    fleet: Fleet, step: Step | None, problem: tuple[str, str] | None, stall: str
) -> Outcome:
    """How it stands with what is rolled out now.

    Args:
        fleet: The pods.
        step: What is under way; None: the spec cannot be carried out.
        problem: What keeps it from being carried out: a reason and a sentence.
        stall: That nothing has come further for too long; "": something has.
    """
    if step is not None and step.reason == "Complete" and fleet.ready > 0:
        return "served"
    if stall or _fails(fleet):
        return "failed"
    is_stopped = step is None and problem is not None and problem[0] not in PASSING
    return "failed" if is_stopped else "begun"


def _fails(fleet: Fleet) -> bool:
    """Whether a pod of the new version is in trouble; those of a former one are to be replaced."""
    if not fleet.revision:
        return False
    new = [pod for pod in fleet.pods if not fleet.outdated(pod)]
    return any(pod.trouble is not None and pod.trouble.reason not in PASSING for pod in new)


def recorded(app: App, how: Outcome, former: Sequence[Json], moment: str) -> list[Json]:
    """The rows: one for each archive, the newest first, those that served by when they last did.

    What has served stays so, whatever becomes of it later; what has failed may serve yet.

    Args:
        app: The app; what it names is what is rolled out.
        how: How it stands with that.
        former: The rows before.
        moment: The time, in RFC 3339.

    Returns:
        The rows before, if nothing new is known.
    """
    archive = app.spec.source.archive if app.spec.source is not None else None
    if archive is None:
        return list(former)
    before = next((row for row in former if row["sha256"] == archive.sha256), None)
    last_served = next((row for row in former if row["outcome"] == "served"), None)
    if how == "served":
        is_new = before is None or before is not last_served
    else:
        is_new = before is None or (before["outcome"] == "begun" and how == "failed")
    if not is_new:
        return list(former)
    row = {
        "sha256": archive.sha256,
        "revision": archive.revision,
        "outcome": how,
        "since": moment,
    }
    return list(_bounded([row, *(one for one in former if one is not before)]))


def _bounded(rows: Iterable[Json]) -> Iterator[Json]:
    counts: Counter[bool] = Counter()
    for row in rows:
        has_served = row["outcome"] == "served"
        counts[has_served] += 1
        if counts[has_served] <= _MOST:
            yield row
