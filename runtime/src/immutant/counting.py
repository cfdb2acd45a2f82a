"""What an application counts of itself: requests, sessions, messages.

Belongs here: plain counters and histograms, in one replica's tally, and the copy of them that is
told. Not here: who counts (`services`, `web`), how they travel (`immutant.serve.reporting`), and
how Prometheus is told (`immutant.sidecar.metrics`). No library is needed for it: counting is an
addition, and `import immutant` stays light.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, Literal

__all__ = [
    "FAMILIES",
    "OTHER",
    "SERIES",
    "Distribution",
    "Family",
    "Report",
    "Series",
    "Shape",
    "Tally",
    "cumulated",
]

Shape = Literal["counter", "gauge", "histogram"]
Labels = tuple[str, ...]

SERIES: Final = 500
"""Of one metric: what would be one more is counted as `OTHER`, so that names which an application
makes up as it goes, of queues for instance, take nobody's memory."""

OTHER: Final = "other"

_REQUESTS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; the bounds that Prometheus' own clients have by default."""

_HANDLERS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0)
_AGES: Final = (0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""Seconds: from a consumer that waits to a queue that nobody has worked at for hours."""


class Distribution:
    """How often seconds fell below each bound.

    Attributes:
        bounds: The bounds, ascending, without the infinite one.
        counts: How many fell between the bound before and this one; one more than there are bounds.
        sum: All seconds together.
    """

    def __init__(self, bounds: Iterable[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.sum += seconds

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def up_to(self) -> list[tuple[float, int]]:
        """Each bound with how many were not above it; the last is infinite."""
        return cumulated(self.bounds, self.counts)


def cumulated(bounds: Iterable[float], counts: Iterable[int]) -> list[tuple[float, int]]:
    """Each bound with how many were not above it; the last is infinite."""
    return list(zip((*bounds, float("inf")), accumulate(counts), strict=True))


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        what: What it is, in a sentence.
        labels: The names of its labels.
        shape: What kind it is.
        bounds: Of a histogram: its bounds in seconds.
    """

    what: str
    labels: Labels = ()
    shape: Shape = "counter"
    bounds: tuple[float, ...] = ()


def _seconds(what: str, labels: Labels, bounds: tuple[float, ...]) -> Family:
    return Family(what, labels, "histogram", bounds)


FAMILIES: Final[Mapping[str, Family]] = {
    "immutant_http_requests": Family("Requests by method and status code.", ("method", "code")),
    "immutant_http_request_seconds": _seconds(
        "Until the answer was sent whole, or its event stream had begun.", ("method",), _REQUESTS
    ),
    "immutant_http_requests_in_progress": Family("Requests that are being answered.", (), "gauge"),
    "immutant_websockets_open": Family("WebSockets that are being served.", (), "gauge"),
    "immutant_sessions_created": Family("Web sessions that began here."),
    "immutant_sessions_ended": Family("Web sessions that the application ended here."),
    "immutant_messages_sent": Family("Messages that were sent to the queue here.", ("queue",)),
    "immutant_messages_published": Family(
        "Messages that were published on the topic here.", ("topic",)
    ),
    "immutant_messages_received": Family("Messages that were received here.", ("queue",)),
    "immutant_messages_acknowledged": Family(
        "Messages that were handled here and removed.", ("queue",)
    ),
    "immutant_messages_retried": Family(
        "Messages that failed here and are tried again.", ("queue",)
    ),
    "immutant_messages_dead": Family("Messages that became dead letters here.", ("queue",)),
    "immutant_message_age_seconds": _seconds(
        "From a message's sending until it was received for the first time.", ("queue",), _AGES
    ),
    "immutant_handler_seconds": _seconds("How long the handler ran.", ("queue",), _HANDLERS),
    "immutant_messages_in_hand": Family(
        "Messages that handlers are at work on.", ("queue",), "gauge"
    ),
    "immutant_listeners": Family("Messages that are handled at once at most.", ("queue",), "gauge"),
}
"""By name, without the `_total` that Prometheus ends a counter by. docs/cluster.md lists them."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series as it is told: the values so far, not what was added.

    Attributes:
        name: The metric, one of `FAMILIES`.
        labels: The values of its labels.
        value: Of a counter or gauge: its value. Of a histogram: the sum.
        counts: Of a histogram: as in `Distribution`.
    """

    name: str
    labels: Labels
    value: float
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What one process tells.

    Attributes:
        process: A name that no other process has.
        number: Grows with each report of this process: one that comes late is told by it.
        heard: Whether an earlier report of this process was answered. Who then does not know it has
            begun after it, and cannot tell what is new in it.
        series: All of them, each time.
    """

    process: str
    number: int
    heard: bool
    series: tuple[Series, ...]


@dataclass(eq=False, slots=True)
class Tally:
    """The counts of one replica; for the thread of its loop alone.

    What has no labels is there from the beginning: a count that is first seen as one would not be
    seen to grow.
    """

    _values: dict[tuple[str, Labels], float] = field(default_factory=dict)
    _times: dict[tuple[str, Labels], Distribution] = field(default_factory=dict)
    _sizes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, family in FAMILIES.items():
            if not family.labels and family.shape != "histogram":
                self.add(name, amount=0)

    def add(self, name: str, *labels: str, amount: float = 1) -> None:
        """Count; for a gauge `amount` may be below zero."""
        key = self._key(name, labels, self._values)
        self._values[key] = self._values.get(key, 0) + amount

    def time(self, name: str, *labels: str, seconds: float) -> None:
        """Enter seconds into a histogram; what clocks make negative is nothing."""
        self._distribution(name, labels).add(max(0.0, seconds))

    def merge(self, name: str, *labels: str, counts: Iterable[int], seconds: float) -> None:
        """Enter into a histogram what was counted elsewhere within the same bounds."""
        one = self._distribution(name, labels)
        one.counts = [mine + more for mine, more in zip(one.counts, counts, strict=True)]
        one.sum += seconds

    def series(self) -> tuple[Series, ...]:
        """All of it, as it is now."""
        values = [Series(*key, value) for key, value in self._values.items()]
        times = [Series(*key, one.sum, tuple(one.counts)) for key, one in self._times.items()]
        return (*values, *times)

    def _distribution(self, name: str, labels: Labels) -> Distribution:
        key = self._key(name, labels, self._times)
        if key not in self._times:
            self._times[key] = Distribution(FAMILIES[name].bounds)
        return self._times[key]

    def _key(
        self, name: str, labels: Labels, known: Mapping[tuple[str, Labels], object]
    ) -> tuple[str, Labels]:
        if (name, labels) in known:
            return name, labels
        if self._sizes.get(name, 0) >= SERIES:
            return name, (OTHER,) * len(labels)
        self._sizes[name] = self._sizes.get(name, 0) + 1
        return name, labels
