"""What the application beside a coordinator has counted, by its own word.

Belongs here: adding up what one process after the other tells. Not here: reading it
(`immutant.coordinator.bodies`), and what is counted (`immutant.counting`).
"""

from collections import deque
from typing import Final

from immutant.counting import FAMILIES, Report, Series, Tally

__all__ = ["Told"]

_FORMER: Final = 16
"""How many processes are known to be over: their last words may come late."""


class Told:
    """The sums over all processes that have told this coordinator.

    A process tells its values so far. What is new in them is added, so that nothing is counted
    twice that is told twice, and a count does not begin anew with each process: one that dies every
    few seconds would look as if it did nothing.

    Attributes:
        totals: Counters and histograms, since this coordinator began.
        heard_at: When the application last told something, by the clock of whoever took it; None:
            never.
    """

    def __init__(self) -> None:
        self.totals = Tally()
        self.heard_at: float | None = None
        self._process = ""
        self._number = 0
        self._known: dict[tuple[str, tuple[str, ...]], Series] = {}
        self._gauges: tuple[Series, ...] = ()
        self._former: deque[str] = deque(maxlen=_FORMER)

    def take(self, report: Report, now: float) -> None:
        """Take a report; one that comes too late is nothing."""
        if report.process in self._former:
            return
        if report.process != self._process:
            self._begin(report)
        if report.number <= self._number:
            return
        self._number, self.heard_at = report.number, now
        self._gauges = tuple(one for one in report.series if _shape(one) == "gauge")
        for one in report.series:
            self._add(one)

    def gone(self, process: str) -> None:
        """A process has died: what it counted remains, what it was doing does not."""
        if process == self._process:
            self._gauges = ()

    def series(self) -> tuple[Series, ...]:
        """All that there is to tell."""
        return (*self.totals.series(), *self._gauges)

    def _begin(self, report: Report) -> None:
        if self._process:
            self._former.append(self._process)
        self._process, self._number, self._known = report.process, 0, {}
        if report.heard:
            # Another coordinator was told the beginning; what of it Prometheus knows already
            # cannot be told here.
            self._known = {(one.name, one.labels): one for one in report.series}

    def _add(self, one: Series) -> None:
        key = one.name, one.labels
        before = self._known.get(key, Series(*key, 0.0, (0,) * len(one.counts)))
        self._known[key] = one
        new = max(0.0, one.value - before.value)
        if _shape(one) == "counter":
            self.totals.add(one.name, *one.labels, amount=new)
        elif _shape(one) == "histogram":
            pairs = zip(one.counts, before.counts, strict=True)
            counts = [max(0, now - then) for now, then in pairs]
            self.totals.merge(one.name, *one.labels, counts=counts, seconds=new)


def _shape(one: Series) -> str:
    return FAMILIES[one.name].shape
