"""The dashboard of an app's grid: members, entries, copies, moves."""

from typing import Final

from tools.dashboards.promql import quantile, rate, total
from tools.dashboards.records import APP, Board, Panel, Query, Section

__all__ = ["CLUSTER_BOARD"]

_MEMBERS = Section(
    "Members",
    (
        Panel(
            "Members that each member sees",
            "One line: all see the same grid. More than one for longer than a minute: a split.",
            "short",
            (Query(f"max by (pod) (hazelcast_members{{{APP}}})", "{{pod}}"),),
        ),
        Panel(
            "May write",
            "1 where the members that this one sees may write, 0 on the smaller side of a split.",
            "short",
            (Query(f"min by (pod) (hazelcast_writable{{{APP}}})", "{{pod}}"),),
            shape="states",
        ),
        Panel(
            "Moves that wait",
            "Partitions that are to move to another member. Not zero for long: memory, network or "
            "a member is short of something.",
            "short",
            (Query(f"max(hazelcast_migrations_queued{{{APP}}})", "waiting"),),
        ),
        Panel(
            "Partitions owned",
            "Each member should have about as many as the others.",
            "short",
            (Query(total("hazelcast_owned_partitions", "pod"), "{{pod}}"),),
        ),
        Panel(
            "Partitions backed up",
            "In sum as many as are owned, for each owner more than one. Less: copies are missing.",
            "short",
            (Query(total("hazelcast_backup_partitions", "pod"), "{{pod}}"),),
        ),
        Panel(
            "Until tenures end without a renewal",
            "Falls between renewals and rises again. At zero: this pod holds nothing, or has lost "
            "the API server.",
            "s",
            (Query(f"min by (pod) (immutant_member_deadline_seconds{{{APP}}})", "{{pod}}"),),
        ),
    ),
)

_ENTRIES = Section(
    "Entries",
    (
        Panel(
            "Entries owned, by map",
            "`cache.NAME` is a cache, `queue.NAME` the messages of a queue, dead ones included.",
            "short",
            (Query(total("hazelcast_map_owned_entries", "map"), "{{map}}"),),
        ),
        Panel(
            "Entries backed up, by map",
            "The copies; as many as are owned when each entry has two owners.",
            "short",
            (Query(total("hazelcast_map_backup_entries", "map"), "{{map}}"),),
        ),
        Panel(
            "Entries, by pod",
            "What goes with the pod, and what it could serve if another one goes.",
            "short",
            (
                Query(total("hazelcast_map_owned_entries", "pod"), "owned {{pod}}"),
                Query(total("hazelcast_map_backup_entries", "pod"), "backed up {{pod}}"),
            ),
        ),
        Panel(
            "Memory of entries",
            "Owned and copies together, by pod.",
            "bytes",
            (
                Query(
                    f"sum by (pod) (hazelcast_map_owned_bytes{{{APP}}})"
                    f" + sum by (pod) (hazelcast_map_backup_bytes{{{APP}}})",
                    "{{pod}}",
                ),
            ),
        ),
        Panel(
            "Heap used",
            "Of the members' Java heap. Near its end for long: raise cache.memory.",
            "percentunit",
            (
                Query(
                    f'sum by (pod) (jvm_memory_used_bytes{{{APP},area="heap"}})'
                    f' / sum by (pod) (jvm_memory_max_bytes{{{APP},area="heap"}})',
                    "{{pod}}",
                ),
            ),
        ),
        Panel(
            "Time in collections",
            "The share of time in which the member stood still to collect garbage.",
            "percentunit",
            (Query(rate("jvm_gc_collection_seconds_sum", "pod"), "{{pod}}"),),
        ),
    ),
)

_LEASES = Section(
    "Leases",
    (
        Panel(
            "Renewals",
            "From sending one until this pod's watch has shown it. A tenure ends when none counts "
            "in time.",
            "s",
            tuple(
                Query(quantile(share, "immutant_renewal_seconds"), f"{share:.0%}")
                for share in (0.5, 0.99)
            ),
        ),
        Panel(
            "Requests to the API server",
            "By verb and code; other codes than 200, 201 and 409 are trouble.",
            "reqps",
            (Query(rate("immutant_lease_requests_total", "verb", "code"), "{{verb}} {{code}}"),),
        ),
        Panel(
            "Answers of the API server",
            "Seconds until it answered, for 99 of 100 requests.",
            "s",
            (Query(quantile(0.99, "immutant_lease_request_seconds", "verb"), "{{verb}}"),),
        ),
    ),
)

CLUSTER_BOARD: Final = Board(
    "immutant-cluster",
    "Immutant / Cluster",
    "The grid of one app: members, what they keep, and its moves; and its Leases.",
    "hazelcast_members",
    (_MEMBERS, _ENTRIES, _LEASES),
)
