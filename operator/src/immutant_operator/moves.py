"""News about tenures, as events say them: who holds what now, after whom, and what fails.

Belongs here: which news there are, in how many sentences, and how many are too many. Not here:
writing them (`immutant_operator.reporting`).

The status is the memory of what was told, so that an operator that restarts tells nothing twice.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from immutant_operator.roster import Roster, Singleton

__all__ = ["Budget", "News", "news"]

_NAMED: Final = 10
"""Singletons that one sentence names."""


class News(NamedTuple):
    """One event: its type, a word, a sentence."""

    kind: str
    reason: str
    message: str


def news(former: Mapping[str, Any], roster: Roster) -> list[News]:
    """What has changed since a status was written.

    Args:
        former: That status. One without holders is of an operator that did not look at them: what
            it did not say is no news.
        roster: What the Leases say now.
    """
    if former.get("holders") is None:
        return []
    told = {(one["kind"], one["name"]): one for one in former["holders"]}
    is_short = former.get("singletons", 0) > len(told)  # the status does not name all of them
    moved: dict[tuple[str, str, str], list[Singleton]] = {}
    for one in roster.tenures:
        known = told.get((one.singleton.kind, one.singleton.name))
        if known is None and is_short:
            continue
        known = known or {}
        before = one.before or known.get("pod", "")
        if known.get("since") != one.since and before != one.pod:
            moved.setdefault((before, one.end, one.pod), []).append(one.singleton)
    failing = {(one["kind"], one["name"], one["pod"]) for one in former.get("failing") or ()}
    fails = [one for one in roster.failing if (one[0].kind, one[0].name, one[1]) not in failing]
    return [*_moves(moved), *_failures(fails)]


def _moves(moved: Mapping[tuple[str, str, str], list[Singleton]]) -> list[News]:
    found = []
    for (before, end, pod), singletons in sorted(moved.items()):
        them = _listed(singletons)
        if not before:
            found.append(
                News("Normal", "TenureBegan", f"{pod} runs {them}; no former holder is known")
            )
            continue
        why = _ENDS.get(end, _ENDS[""]).format(before)
        kind = "Normal" if end == "released" else "Warning"
        found.append(News(kind, "TenureMoved", f"{before} -> {pod}: {them}; {why}"))
    return found


_ENDS: Final = {
    "released": "{} has handed over",
    "resigned": "the application in {} has died",
    "expelled": "{} was silent and has been expelled",
    "lost": "nothing is known of {} any more",
    "": "it is not known how {} ended",
}


def _failures(fails: Iterable[tuple[Singleton, str]]) -> list[News]:
    by_pod: dict[str, list[Singleton]] = {}
    for singleton, pod in fails:
        by_pod.setdefault(pod, []).append(singleton)
    return [
        News(
            "Warning",
            "DaemonFailing",
            f"{_listed(singletons)} failed again and again in {pod}, which leaves it to others if "
            f"there are any; see kubectl logs {pod} -c app",
        )
        for pod, singletons in sorted(by_pod.items())
    ]


def _listed(singletons: list[Singleton]) -> str:
    named = ", ".join(map(str, sorted(singletons)[:_NAMED]))
    rest = len(singletons) - _NAMED
    return f"{named} and {rest} more" if rest > 0 else named


def _left_out(count: int) -> str:
    events = "event was" if count == 1 else "events were"
    return f"and {count} earlier {events} left out"


class Budget:
    """How many events an app may still cause: some at once, then one at a time."""

    BURST: Final = 10
    PAUSE: Final = 60.0
    """Seconds for each further one."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with all of it; the clock is monotonic."""
        self._clock = clock
        self._left = float(self.BURST)
        self._looked = clock()
        self._unsaid = 0

    def granted(self, found: Iterable[News]) -> list[News]:
        """What may be said of it; the next that may is told how many could not."""
        said = []
        for one in found:
            if not self._take():
                self._unsaid += 1
                continue
            if self._unsaid:
                said.append(one._replace(message=f"{one.message} ({_left_out(self._unsaid)})"))
                self._unsaid = 0
                continue
            said.append(one)
        return said

    def _take(self) -> bool:
        now = self._clock()
        self._left = min(self.BURST, self._left + (now - self._looked) / self.PAUSE)
        self._looked = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
