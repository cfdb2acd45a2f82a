"""What is played to the alert rules by promtool: series by the minute, and who is to be called.

In promtool's notation: `a+bxn` begins at a and grows by b, n times; `_` is no sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["SCENARIOS", "Scenario"]

OF = 'namespace="d",immutant_org_app="shop"'
LABELS = {"namespace": "d", "immutant_org_app": "shop"}


@dataclass(frozen=True, slots=True)
class Scenario:
    """One play.

    Attributes:
        what: What happens.
        alert: The alert that is looked at.
        series: Values by series, a minute each.
        at: Minutes after which it is looked at.
        fires: The labels of the alert that fires then; None: none does.
    """

    what: str
    alert: str
    series: Mapping[str, str]
    at: int
    fires: Mapping[str, str] | None = None
    severity: str = field(default="critical")

    def played(self) -> dict[str, Any]:
        """As promtool reads it."""
        labels = None if self.fires is None else {**self.fires, "severity": self.severity}
        expected = [] if labels is None else [{"exp_labels": labels}]
        look = {"eval_time": f"{self.at}m", "alertname": self.alert, "exp_alerts": expected}
        series = [{"series": name, "values": values} for name, values in self.series.items()]
        return {"interval": "1m", "input_series": series, "alert_rule_test": [look]}


def held(pod: str) -> str:
    return f'immutant_singleton_held{{{OF},pod="{pod}",kind="daemon",name="counter"}}'


def member(metric: str, pod: str) -> str:
    return f'hazelcast_{metric}{{{OF},pod="{pod}"}}'


def grid(**told: tuple[str, str]) -> dict[str, str]:
    """A safe grid of two members, but for what is told otherwise."""
    safe = {
        "writable": ("1x30", "1x30"),
        "members": ("2x30", "2x30"),
        "migrations_queued": ("0x30", "0x30"),
        "owned_partitions": ("136x30", "135x30"),
        "backup_partitions": ("135x30", "136x30"),
    }
    pairs = {**safe, **told}.items()
    return {member(name, f"p{n}"): one for name, both in pairs for n, one in enumerate(both)}


COUNTER = {**LABELS, "kind": "daemon", "name": "counter"}
MISSED = f'immutant_ticks_missed_total{{{OF},pod="p0",name="ajob"}}'
DEAD = f'immutant_messages_dead_total{{{OF},pod="p0",queue="q"}}'
FAILURES = 'immutant_operator_reconcile_failures_total{namespace="i",pod="o0"}'
LEADING = 'immutant_operator_leading{{namespace="i",pod="{}"}}'

SCENARIOS = (
    Scenario(
        "all pods let go of it and none takes it",
        "ImmutantNoHolder",
        {held("p0"): "1x5 0x10", held("p1"): "0x15"},
        9,
        COUNTER,
    ),
    Scenario("nobody has held it yet", "ImmutantNoHolder", {held("p0"): "0x10"}, 5, COUNTER),
    Scenario("all pods are gone", "ImmutantNoHolder", {held("p0"): "1x5 _x60"}, 15, COUNTER),
    Scenario("the app was deleted an hour ago", "ImmutantNoHolder", {held("p0"): "1x5 _x90"}, 60),
    Scenario(
        "it moves, and one scrape sees no holder",
        "ImmutantNoHolder",
        {held("p0"): "1x5 0x10", held("p1"): "0x6 1x9"},
        7,
    ),
    Scenario(
        "another one takes it over after all",
        "ImmutantNoHolder",
        {held("p0"): "1x5 0x10", held("p1"): "0x8 1x9"},
        12,
    ),
    Scenario(
        "a tick is passed over",
        "ImmutantTicksMissed",
        {MISSED: "0x5 1x10"},
        8,
        {**LABELS, "name": "ajob"},
        "warning",
    ),
    Scenario("no more are", "ImmutantTicksMissed", {MISSED: "0x5 1x40"}, 30),
    Scenario("none ever was", "ImmutantTicksMissed", {MISSED: "0x30"}, 20),
    Scenario(
        "the first dead letter",
        "ImmutantDeadLettersGrowing",
        {DEAD: "0x5 1x10"},
        8,
        {**LABELS, "queue": "q"},
        "warning",
    ),
    Scenario("old ones", "ImmutantDeadLettersGrowing", {DEAD: "3x40"}, 30),
    Scenario("a pod begins to count anew", "ImmutantDeadLettersGrowing", {DEAD: "3x20 0x20"}, 30),
    Scenario("it is safe", "ImmutantGridUnsafe", grid(), 20),
    Scenario(
        "a member may not write",
        "ImmutantGridUnsafe",
        grid(writable=("1x30", "0x30")),
        10,
        LABELS,
    ),
    Scenario(
        "they see different grids",
        "ImmutantGridUnsafe",
        grid(members=("2x30", "1x30")),
        10,
        LABELS,
    ),
    Scenario(
        "moves wait", "ImmutantGridUnsafe", grid(migrations_queued=("9x30", "0x30")), 10, LABELS
    ),
    Scenario(
        "copies are missing",
        "ImmutantGridUnsafe",
        grid(backup_partitions=("100x30", "136x30")),
        10,
        LABELS,
    ),
    Scenario(
        "a pod more, for two minutes",
        "ImmutantGridUnsafe",
        grid(migrations_queued=("0x5 9x2 0x20", "0x30")),
        9,
    ),
    Scenario(
        "one owner an entry", "ImmutantGridUnsafe", grid(backup_partitions=("0x30", "0x30")), 20
    ),
    Scenario(
        "it fails without end",
        "ImmutantReconcileFailing",
        {FAILURES: "0+1x40"},
        30,
        {"namespace": "i"},
        "warning",
    ),
    Scenario("it failed once", "ImmutantReconcileFailing", {FAILURES: "0x10 1x40"}, 30),
    Scenario(
        "none leads",
        "ImmutantOperatorLeaderless",
        {LEADING.format("o0"): "1x5 0x20", LEADING.format("o1"): "0x30"},
        12,
        {"namespace": "i"},
    ),
    Scenario(
        "all its pods are gone",
        "ImmutantOperatorLeaderless",
        {LEADING.format("o0"): "1x5 _x20"},
        15,
        {},
    ),
    Scenario(
        "the other one leads",
        "ImmutantOperatorLeaderless",
        {LEADING.format("o0"): "1x5 0x20", LEADING.format("o1"): "0x6 1x20"},
        12,
    ),
)
