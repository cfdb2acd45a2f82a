"""The alert rules: when somebody has to look, and how urgent it is.

Belongs here: the rules. Each has a page in docs/runbooks, and a test by promtool that it fires and
that it does not. An expression says what is wrong now; `lasting` how long that must be so, since
moves, rollouts and scrapes one after the other make much of it true for a moment.
"""

from typing import Final

from tools.dashboards.records import GROUP, Alert

__all__ = ["ALERTS"]

_HOLDERS: Final = f"sum by ({GROUP},kind,name) (immutant_singleton_held)"

_NO_HOLDER: Final = (
    f"{_HOLDERS} == 0"
    f" or max by ({GROUP},kind,name) (max_over_time(immutant_singleton_held[30m]))"
    f" unless {_HOLDERS}"
)
"""Nobody holds it, or all pods that could have are gone. Without pods that ends after half an hour:
an app that was deleted must not be missed for ever."""

_COPIES: Final = f"sum by ({GROUP}) (hazelcast_backup_partitions)"

_UNSAFE: Final = " or ".join(
    (
        f"min by ({GROUP}) (hazelcast_writable) == 0",
        f"max by ({GROUP}) (hazelcast_members) > min by ({GROUP}) (hazelcast_members)",
        f"max by ({GROUP}) (hazelcast_migrations_queued) > 0",
        f"sum by ({GROUP}) (hazelcast_owned_partitions) > ({_COPIES} > 0)",
    )
)
"""Some may not write; they see different grids; moves wait; copies are missing. Where entries have
one owner only (`cache.owners: 1`), no member backs anything up."""

_ABOUT: Final = "{{ $labels.namespace }}/{{ $labels.immutant_org_app }}"

ALERTS: Final = (
    Alert(
        "ImmutantNoHolder",
        _NO_HOLDER,
        "1m",
        "critical",
        f"Nobody runs the {{{{ $labels.kind }}}} {{{{ $labels.name }}}} of {_ABOUT}.",
        "No pod holds it, so that it does not run. A failover takes seconds.",
    ),
    Alert(
        "ImmutantTicksMissed",
        f"sum by ({GROUP},name) (increase(immutant_ticks_missed_total[15m])) > 0",
        "0m",
        "warning",
        f"The job {{{{ $labels.name }}}} of {_ABOUT} has missed ticks.",
        "Ticks were passed over: nobody held the job when they were due, or it still ran.",
    ),
    Alert(
        "ImmutantDeadLettersGrowing",
        f"sum by ({GROUP},queue) (increase(immutant_messages_dead_total[15m])) > 0",
        "0m",
        "warning",
        f"Messages of the queue {{{{ $labels.queue }}}} of {_ABOUT} became dead letters.",
        "They failed at every attempt, or cannot be read, and are not tried again by themselves.",
    ),
    Alert(
        "ImmutantGridUnsafe",
        _UNSAFE,
        "5m",
        "critical",
        f"The grid of {_ABOUT} is not safe.",
        "Its members do not see the same grid, may not write, or have fewer copies than they "
        "should: the loss of one more pod may lose what was acknowledged.",
    ),
    Alert(
        "ImmutantReconcileFailing",
        "sum by (namespace) (rate(immutant_operator_reconcile_failures_total[5m])) > 0",
        "15m",
        "warning",
        "The operator in {{ $labels.namespace }} fails at apps again and again.",
        "Running apps go on; changes, rollouts and replacements of some do not happen.",
    ),
    Alert(
        "ImmutantOperatorLeaderless",
        "max by (namespace) (immutant_operator_leading) == 0 or absent(immutant_operator_leading)",
        "2m",
        "critical",
        "No replica of the operator leads.",
        "Running apps go on; nothing that is applied is acted on.",
    ),
)
