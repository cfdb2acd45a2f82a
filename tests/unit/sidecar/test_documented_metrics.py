"""docs/cluster.md lists every metric of sidecar and operator with its labels, and no other."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from immutant.coordinator.driver import Driver
from immutant.coordinator.ledger import Reason
from immutant.counting import FAMILIES, Report, Series, Tally
from immutant.election import Timings
from immutant.election.observer import Predecessor
from immutant.embedded import EmbeddedBackend
from immutant.link import KillReason
from immutant.sidecar.metrics import Metrics
from immutant.testing import FakeClock
from immutant_operator import ops

TEXT = (Path(__file__).parents[3] / "docs" / "cluster.md").read_text()
_NAMED = re.compile(r"`(immutant_\w+)(?:\{([\w,]+)\})?`")


def documented(prefix: str, *, but: str = "-") -> dict[str, set[str]]:
    found = {}
    for line in TEXT.splitlines():
        cells = line.split("|")
        if len(cells) != 5:  # a row of the table of metrics: where, metric, meaning
            continue
        for name, labels in _NAMED.findall(cells[2]):
            if name.startswith(prefix) and not name.startswith(but):
                found[name] = set(filter(None, labels.split(",")))
    return found


def exported(registry: CollectorRegistry) -> dict[str, set[str]]:
    """The names and labels as they are served; of histograms and counters the documented name."""
    families: Iterable[Metric] = registry.collect()
    found: dict[str, set[str]] = {}
    for family in families:
        if not family.name.startswith("immutant_"):
            continue
        assert family.samples, f"{family.name} was not touched by this test"
        assert family.documentation.endswith("."), family.name
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = {label for one in family.samples for label in one.labels} - {"le"}
    return found


def everything() -> tuple[Series, ...]:
    """All that an application can count."""
    tally = Tally()
    for name, family in FAMILIES.items():
        if family.shape == "histogram":
            tally.time(name, *family.labels, seconds=0.1)
        else:
            tally.add(name, *family.labels)
    return tally.series()


async def test_the_sidecars_metrics_are_listed() -> None:
    clock = FakeClock()
    backend = await EmbeddedBackend.open(None, replica="demo-0", clock=clock)
    driver = Driver("demo", "demo-0", backend.leases, clock, Timings())
    metrics = Metrics()
    metrics.observe("get", "200", 0.1)
    metrics.follow(driver, clock)
    ledger = driver.ledger
    ledger.grant("demo.daemon.counter", Predecessor("demo-1/u/1", "expelled", 0.0), clock.now())
    ledger.end("demo.daemon.counter", "deadline")
    ledger.fail("demo.daemon.counter")
    ledger.kill("silent")
    ledger.moves["demo.daemon.counter", "placement"] += 1
    ledger.renewed(0.1)
    ledger.dispatch("ajob", 0.0, 1, 0.1)
    ledger.dispatch("ajob", 0.0, 2, 0.1)
    ledger.passed_over("ajob", 3)
    ledger.ran("ajob", "ok")
    ledger.told.take(Report("p", 1, False, everything()), clock.now())
    assert exported(metrics.registry) == documented("immutant_", but="immutant_operator_")
    await driver.close()
    await backend.close()


def test_the_operators_metrics_are_listed() -> None:
    assert exported(ops.Metrics().registry) == documented("immutant_operator_")


def test_every_reason_for_which_a_tenure_or_an_application_ends_is_listed() -> None:
    for reason in (*get_args(Reason), *get_args(KillReason)):
        assert f"`{reason}`" in TEXT, reason
