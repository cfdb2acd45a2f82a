"""The dashboard of daemons and jobs: who holds what, failovers, ticks late or missed."""

from typing import Final

from tools.dashboards.promql import gained, quantile, rate
from tools.dashboards.records import APP, Board, Panel, Query, Section

__all__ = ["SINGLETONS_BOARD"]

_HOLDERS = Section(
    "Holders",
    (
        Panel(
            "Who holds what",
            "A bar for each pod that may run it. Pods are asked one after the other: while a "
            "singleton moves, two bars, or none, for one scrape are no fault.",
            "short",
            (
                Query(
                    f"max by (kind, name, pod) (immutant_singleton_held{{{APP}}})",
                    "{{kind}} {{name}} · {{pod}}",
                ),
            ),
            shape="states",
            width=16,
        ),
        Panel(
            "Held",
            "Daemons and jobs with a holder, of all that are stood for.",
            "short",
            (
                Query(
                    f"sum(max by (kind, name) (immutant_singleton_held{{{APP}}}))",
                    "held",
                ),
                Query(f"count(count by (kind, name) (immutant_singleton_held{{{APP}}}))", "known"),
            ),
            shape="number",
        ),
        Panel(
            "Tenures that ended, by reason",
            "`handed_over` is as it should be; docs/cluster.md says what the others mean.",
            "short",
            (Query(gained("immutant_tenures_ended_total", "reason"), "{{reason}}"),),
        ),
        Panel(
            "Failover time",
            "From the former holder's last sign of life, or its release, to the grant; in 95 of "
            "100 cases, by how that one ended.",
            "s",
            (Query(quantile(0.95, "immutant_failover_seconds", "former"), "{{former}}"),),
        ),
        Panel(
            "Tenures that began, and hand-overs",
            "Many: something moves to and fro.",
            "short",
            (
                Query(gained("immutant_tenures_total", "name"), "begun {{name}}"),
                Query(gained("immutant_handovers_total", "reason"), "handed over: {{reason}}"),
            ),
        ),
        Panel(
            "Failures of daemons",
            "How often their code raised, returned or was silent; each time it is started again.",
            "short",
            (Query(gained("immutant_daemon_failures_total", "name"), "{{name}}"),),
        ),
    ),
)

_JOBS = Section(
    "Jobs",
    (
        Panel(
            "Runs",
            "Runs that began, by job.",
            "short",
            (Query(gained("immutant_ticks_total", "name"), "{{name}}"),),
        ),
        Panel(
            "Ends of runs",
            "`interrupted`: the pod or the tenure ended first.",
            "short",
            (Query(gained("immutant_runs_total", "name", "outcome"), "{{name}} {{outcome}}"),),
        ),
        Panel(
            "Late",
            "From the due instant until the first run began.",
            "s",
            tuple(
                Query(quantile(share, "immutant_tick_lateness_seconds"), f"{share:.0%}")
                for share in (0.5, 0.99)
            ),
        ),
        Panel(
            "Missed",
            "Ticks that were passed over, by `misfire` or because the job still ran.",
            "short",
            (Query(gained("immutant_ticks_missed_total", "name"), "{{name}}"),),
        ),
        Panel(
            "Tried again",
            "Runs that were not their tick's first.",
            "short",
            (Query(gained("immutant_ticks_retried_total", "name"), "{{name}}"),),
        ),
        Panel(
            "Runs a second",
            "Of all jobs together.",
            "ops",
            (Query(rate("immutant_ticks_total"), "runs"),),
        ),
    ),
)

SINGLETONS_BOARD: Final = Board(
    "immutant-singletons",
    "Immutant / Singletons and jobs",
    "Who holds which daemon and job over time, and how the runs went.",
    "immutant_singleton_held",
    (_HOLDERS, _JOBS),
)
