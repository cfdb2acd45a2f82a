"""The dashboard of the operator."""

from typing import Final

from tools.dashboards.records import OPERATOR, Board, Panel, Query, Section

__all__ = ["OPERATOR_BOARD"]

_LOOKS = "immutant_operator_reconcile_seconds"

_WORK = Section(
    "Work",
    (
        Panel(
            "Leading",
            "One of the replicas leads; the others wait.",
            "short",
            (Query(f"max by (pod) (immutant_operator_leading{{{OPERATOR}}})", "{{pod}}"),),
            shape="states",
        ),
        Panel(
            "Apps",
            "Apps that the one that leads knows.",
            "short",
            (Query(f"max(immutant_operator_apps{{{OPERATOR}}})", "apps"),),
            shape="number",
        ),
        Panel(
            "Waiting",
            "Apps that are to be looked at and wait for their turn.",
            "short",
            (Query(f"max(immutant_operator_queued{{{OPERATOR}}})", "waiting"),),
        ),
        Panel(
            "Looks at apps",
            "Each app is looked at when something of it changes, and once a minute.",
            "ops",
            (Query(f"sum(rate({_LOOKS}_count{{{OPERATOR}}}[$__rate_interval]))", "looks"),),
        ),
        Panel(
            "Time of a look",
            "What half, and 99 of 100, looks took at most.",
            "s",
            tuple(
                Query(
                    f"histogram_quantile({share}, sum by (le) "
                    f"(rate({_LOOKS}_bucket{{{OPERATOR}}}[$__rate_interval])))",
                    f"{share:.0%}",
                )
                for share in (0.5, 0.99)
            ),
        ),
        Panel(
            "Looks that failed",
            "They are repeated, after growing waits; the log says why.",
            "short",
            (
                Query(
                    "sum(increase(immutant_operator_reconcile_failures_total"
                    f"{{{OPERATOR}}}[$__rate_interval]))",
                    "failed",
                ),
            ),
        ),
    ),
)

OPERATOR_BOARD: Final = Board(
    "immutant-operator",
    "Immutant / Operator",
    "Who leads, and how its work goes.",
    "immutant_operator_leading",
    (_WORK,),
    is_of_an_app=False,
)
