"""What Prometheus is told of the application, by the application's own word.

Belongs here: its counts in Prometheus' form. Not here: what there is to count
(`immutant.counting`), and how it came here (`immutant.coordinator.told`).
"""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from immutant.clock import Clock
from immutant.coordinator.driver import Driver
from immutant.counting import FAMILIES, Family, Series, cumulated

__all__ = ["ApplicationMetrics", "buckets"]


class ApplicationMetrics(Collector):
    """What was told last; a metric that the application has not begun to count is not there."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._told = driver.ledger.told
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        if self._told.heard_at is not None:
            yield GaugeMetricFamily(
                "immutant_application_report_age_seconds",
                "Seconds since the application last told what it counts.",
                value=max(0.0, self._clock.now() - self._told.heard_at),
            )
        found: dict[str, list[Series]] = {}
        for one in sorted(self._told.series(), key=lambda one: (one.name, one.labels)):
            found.setdefault(one.name, []).append(one)
        for name, series in found.items():
            yield _family(name, FAMILIES[name], series)


def buckets(up_to: Iterable[tuple[float, int]]) -> list[tuple[str, int]]:
    """Bounds as Prometheus writes them."""
    return [("+Inf" if bound == float("inf") else str(bound), count) for bound, count in up_to]


def _family(name: str, family: Family, series: Iterable[Series]) -> Metric:
    if family.shape == "histogram":
        return _times(name, family, series)
    shape = CounterMetricFamily if family.shape == "counter" else GaugeMetricFamily
    metric: CounterMetricFamily | GaugeMetricFamily = shape(name, family.what, labels=family.labels)
    for one in series:
        metric.add_metric(one.labels, one.value)
    return metric


def _times(name: str, family: Family, series: Iterable[Series]) -> HistogramMetricFamily:
    metric = HistogramMetricFamily(name, family.what, labels=family.labels)
    for one in series:
        metric.add_metric(one.labels, buckets(cumulated(family.bounds, one.counts)), one.value)
    return metric
