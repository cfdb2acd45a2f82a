"""What the sidecar tells Prometheus.

Belongs here: the metrics' names and where their values come from. Not here: serving them (`ops`).
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from immutant.clock import Clock
from immutant.coordinator.driver import Driver

__all__ = ["Metrics"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 1.2)
"""Seconds; an attempt is given up after 0.6 (a listing after 1.2) in the default timings."""


class Metrics:
    """The sidecar's metrics, in a registry of their own.

    Attributes:
        registry: What is served.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "immutant_lease_requests",
            "Requests to the API server by verb and status code.",
            ["verb", "code"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "immutant_lease_request_seconds",
            "Seconds until the API server answered.",
            ["verb"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def observe(self, verb: str, code: str, seconds: float) -> None:
        """Take note of a request; see `immutant.kube.Observer`."""
        self._requests.labels(verb, code).inc()
        self._seconds.labels(verb).observe(seconds)

    def follow(self, driver: Driver, clock: Clock) -> None:
        """Tell what this driver holds."""
        self.registry.register(_Tenures(driver, clock))


class _Tenures(Collector):
    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        held = GaugeMetricFamily(
            "immutant_singleton_held",
            "1 where the singleton may run in this pod, 0 where it might once.",
            labels=["kind", "name"],
        )
        begun = CounterMetricFamily(
            "immutant_tenures", "Tenures that began in this pod.", labels=["kind", "name"]
        )
        running = self._driver.running()
        for lease, count in sorted(self._driver.granted().items()):
            _, kind, name = lease.split(".", 2)
            held.add_metric([kind, name], int(lease in running))
            begun.add_metric([kind, name], count)
        yield held
        yield begun
        yield GaugeMetricFamily(
            "immutant_member_deadline_seconds",
            "Seconds until this pod's tenures end unless it is renewed; 0 without any.",
            value=self._left() if running else 0.0,
        )

    def _left(self) -> float:
        return max(0.0, self._driver.good_until - self._clock.now())
