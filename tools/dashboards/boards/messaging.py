"""The dashboard of queues and topics: rates, depth, age, dead letters."""

from typing import Final

from tools.dashboards.promql import gained, quantile, rate, total
from tools.dashboards.records import APP, Board, Panel, Query, Section

__all__ = ["MESSAGING_BOARD"]

_FLOW = Section(
    "Flow",
    (
        Panel(
            "Sent",
            "Messages a second, by queue.",
            "ops",
            (
                Query(rate("immutant_messages_sent_total", "queue"), "{{queue}}"),
                Query(rate("immutant_messages_published_total", "topic"), "topic {{topic}}"),
            ),
        ),
        Panel(
            "Handled",
            "Messages that were handled and removed, a second. Below Sent for long: the queue "
            "grows.",
            "ops",
            (Query(rate("immutant_messages_acknowledged_total", "queue"), "{{queue}}"),),
        ),
        Panel(
            "Received, by pod",
            "Waiting consumers take turns. Further attempts are included.",
            "ops",
            (Query(rate("immutant_messages_received_total", "pod"), "{{pod}}"),),
        ),
        Panel(
            "Waiting",
            "Messages that wait to be received; not those in hand, delayed or dead.",
            "short",
            (
                Query(
                    f'max by (queue) (hazelcast_queue_owned_items{{{APP},queue=~"dispatch.*"}})',
                    "{{queue}}",
                ),
            ),
        ),
        Panel(
            "In hand, of what may be",
            "Messages that handlers are at work on. At the limit: more pods, or more concurrency.",
            "short",
            (
                Query(total("immutant_messages_in_hand", "queue"), "in hand {{queue}}"),
                Query(total("immutant_listeners", "queue"), "at most {{queue}}"),
            ),
        ),
        Panel(
            "All messages kept",
            "In the grid: waiting, in hand, delayed and dead ones together.",
            "short",
            (
                Query(
                    f'sum by (map) (hazelcast_map_owned_entries{{{APP},map=~"queue.*"}})',
                    "{{map}}",
                ),
            ),
        ),
    ),
)

_TROUBLE = Section(
    "Time and trouble",
    (
        Panel(
            "Age when received",
            "From the sending until the first receipt, a delay included; for 95 of 100 messages.",
            "s",
            (Query(quantile(0.95, "immutant_message_age_seconds", "queue"), "{{queue}}"),),
        ),
        Panel(
            "Handlers' time",
            "How long a listener's function ran; for 95 of 100 messages.",
            "s",
            (Query(quantile(0.95, "immutant_handler_seconds", "queue"), "{{queue}}"),),
        ),
        Panel(
            "Retried",
            "Attempts that failed and will be followed by another one.",
            "short",
            (Query(gained("immutant_messages_retried_total", "queue"), "{{queue}}"),),
        ),
        Panel(
            "Became dead letters",
            "After their last attempt, or since they could not be read.",
            "short",
            (Query(gained("immutant_messages_dead_total", "queue"), "{{queue}}"),),
        ),
    ),
)

MESSAGING_BOARD: Final = Board(
    "immutant-messaging",
    "Immutant / Messaging",
    "Queues and topics of one app.",
    "immutant_messages_sent_total",
    (_FLOW, _TROUBLE),
)
