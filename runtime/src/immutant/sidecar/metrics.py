"""What the sidecar tells Prometheus.

Belongs here: the metrics' names and where their values come from. Not here: counting
(`immutant.coordinator.ledger`), what the application counts of itself (`application`), and serving
(`ops`). docs/cluster.md lists the names; a test holds the two together.
"""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from immutant.clock import Clock
from immutant.contract.records import kind_and_name
from immutant.coordinator.driver import Driver
from immutant.counting import Distribution
from immutant.sidecar.application import ApplicationMetrics, buckets

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
        """Tell what this driver holds, and what it has counted."""
        self.registry.register(_Tenures(driver, clock))
        self.registry.register(_Jobs(driver))
        self.registry.register(ApplicationMetrics(driver, clock))


class _Tenures(Collector):
    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        ledger, running = self._driver.ledger, self._driver.running()
        held = GaugeMetricFamily(
            "immutant_singleton_held",
            "1 where the singleton may run in this pod, 0 where it might once.",
            labels=["kind", "name"],
        )
        begun = CounterMetricFamily(
            "immutant_tenures", "Tenures that began in this pod.", labels=["kind", "name"]
        )
        for lease, count in sorted(ledger.begun.items()):
            held.add_metric(_named(lease), int(lease in running))
            begun.add_metric(_named(lease), count)
        ended = CounterMetricFamily(
            "immutant_tenures_ended",
            "Tenures that ended in this pod, and why.",
            labels=["kind", "name", "reason"],
        )
        for (lease, reason), count in sorted(ledger.ended.items()):
            ended.add_metric([*_named(lease), reason], count)
        moved = CounterMetricFamily(
            "immutant_handovers",
            "Hand-overs that this pod began: to a better place, after failures, for a drain.",
            labels=["kind", "name", "reason"],
        )
        for (lease, why), count in sorted(ledger.moves.items()):
            moved.add_metric([*_named(lease), why], count)
        yield from (held, begun, ended, moved)
        yield _distributed(
            "immutant_failover_seconds",
            "From a former holder's last sign of life or release, as this pod saw it, to the grant "
            "in this pod.",
            ledger.failovers,
            ["former"],
        )
        yield _distributed(
            "immutant_renewal_seconds",
            "From sending a renewal until this pod's watch has shown it, so that it counts.",
            {"": ledger.renewals},
        )
        yield GaugeMetricFamily(
            "immutant_member_deadline_seconds",
            "Seconds until this pod's tenures end unless it is renewed; 0 without any.",
            value=self._left() if running else 0.0,
        )
        yield _counted(
            "immutant_daemon_failures",
            "How often a daemon's code ended by itself in this pod, or was silent; it is started "
            "again.",
            _single(ledger.failures),
            ["name"],
        )
        yield _counted(
            "immutant_application_kills",
            "How often this pod's application was killed, since it did not stop or not answer.",
            [((reason,), count) for reason, count in ledger.kills.items()],
            ["reason"],
        )

    def _left(self) -> float:
        return max(0.0, self._driver.good_until - self._clock.now())


class _Jobs(Collector):
    def __init__(self, driver: Driver) -> None:
        self._ledger = driver.ledger

    def collect(self) -> Iterator[Metric]:
        ledger = self._ledger
        yield _counted(
            "immutant_ticks", "Runs that began in this pod.", _single(ledger.ticks), ["name"]
        )
        yield _counted(
            "immutant_ticks_retried",
            "Runs that began in this pod and were not their tick's first.",
            _single(ledger.retries),
            ["name"],
        )
        yield _counted(
            "immutant_ticks_missed",
            "Ticks that were passed over: due while nobody held the job, or while it ran.",
            _single(ledger.missed),
            ["name"],
        )
        yield _counted(
            "immutant_runs",
            "Ends of runs that this pod has written down: ok, failed, interrupted, cancelled.",
            ledger.runs.items(),
            ["name", "outcome"],
        )
        yield _distributed(
            "immutant_tick_lateness_seconds",
            "From a tick's due instant until its first run began in this pod.",
            {"": ledger.lateness},
        )


def _named(lease: str) -> list[str]:
    return list(kind_and_name(lease))


def _single(counts: Mapping[str, int]) -> list[tuple[tuple[str, ...], int]]:
    return [((name,), count) for name, count in counts.items()]


def _counted(
    name: str, what: str, counts: Iterable[tuple[tuple[str, ...], int]], labels: Iterable[str]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, what, labels=list(labels))
    for values, count in sorted(counts):
        family.add_metric(values, count)
    return family


def _distributed(
    name: str, what: str, found: Mapping[str, Distribution], labels: Iterable[str] = ()
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, what, labels=list(labels))
    for label, one in sorted(found.items()):
        family.add_metric([label] if labels else [], buckets(one.up_to()), one.sum)
    return family
