"""The dashboard of an app's web side: requests, latency, sessions."""

from typing import Final

from tools.dashboards.promql import quantile, rate, total
from tools.dashboards.records import APP, Board, Panel, Query, Section

__all__ = ["APP_BOARD"]

_ERRORS = (
    f'(sum(rate(immutant_http_requests_total{{{APP},code=~"5.."}}[$__rate_interval])) or vector(0))'
    f" / sum(rate(immutant_http_requests_total{{{APP}}}[$__rate_interval]))"
)

_REQUESTS = Section(
    "Requests",
    (
        Panel(
            "Requests by code",
            "Answered by the application itself; the router's health checks are left out.",
            "reqps",
            (Query(rate("immutant_http_requests_total", "code"), "{{code}}"),),
        ),
        Panel(
            "Share of errors",
            "Answers with a code of 500 or more, of all answers. Empty while there are none.",
            "percentunit",
            (Query(_ERRORS, "errors"),),
        ),
        Panel(
            "Requests by pod",
            "The router goes round robin, and keeps a browser on its pod by a cookie.",
            "reqps",
            (Query(rate("immutant_http_requests_total", "pod"), "{{pod}}"),),
        ),
        Panel(
            "Latency",
            "Until the answer was sent whole, or its event stream began, at most for that share "
            "of the requests. Of buckets: a line between two bounds is an estimate.",
            "s",
            tuple(
                Query(quantile(share, "immutant_http_request_seconds"), f"{share:.0%}")
                for share in (0.5, 0.95, 0.99)
            ),
        ),
        Panel(
            "At work",
            "Requests that are being answered and WebSockets that are open.",
            "short",
            (
                Query(total("immutant_http_requests_in_progress", "pod"), "requests {{pod}}"),
                Query(total("immutant_websockets_open", "pod"), "WebSockets {{pod}}"),
            ),
        ),
        Panel(
            "Since the application's last word",
            "2 s at most, unless its code keeps the event loop, or it is down: then what this "
            "dashboard shows of the pod is as old.",
            "s",
            (Query(f"max by (pod) (immutant_application_report_age_seconds{{{APP}}})", "{{pod}}"),),
        ),
    ),
)

_SESSIONS = Section(
    "Sessions",
    (
        Panel(
            "Sessions stored",
            "In the grid, each counted once. Ended ones stay for ten minutes, so that no slow "
            "request brings them back.",
            "short",
            (
                Query(
                    f'sum(hazelcast_map_owned_entries{{{APP},map="cache.immutant.sessions"}})',
                    "stored",
                ),
            ),
        ),
        Panel(
            "Sessions that begin and end",
            "Those that go idle end without a word.",
            "ops",
            (
                Query(rate("immutant_sessions_created_total"), "begun"),
                Query(rate("immutant_sessions_ended_total"), "ended"),
            ),
        ),
        Panel(
            "Application killed",
            "By its supervisor or by the kernel, since it did not stop or did not answer.",
            "short",
            (
                Query(
                    "sum by (reason) (increase("
                    f"immutant_application_kills_total{{{APP}}}[$__rate_interval]))",
                    "{{reason}}",
                ),
            ),
        ),
    ),
)

_ROUTER = Section(
    "Router",
    (
        Panel(
            "Answers to clients",
            "What clients saw, by class of code: with those that no pod answered.",
            "reqps",
            (
                Query(
                    "sum by (code) (rate(haproxy_frontend_http_responses_total"
                    f'{{{APP},proxy="web"}}[$__rate_interval]))',
                    "{{code}}",
                ),
            ),
        ),
        Panel(
            "Servers",
            "Pods that the routers send requests to; each router has its own view.",
            "short",
            (
                Query(
                    f'min by (pod) (haproxy_backend_active_servers{{{APP},proxy="app"}})',
                    "{{pod}}",
                ),
            ),
        ),
        Panel(
            "Sent to another pod",
            "Requests whose pod did not take them: they went to another one.",
            "ops",
            (
                Query(
                    "sum(rate(haproxy_backend_redispatch_warnings_total"
                    f'{{{APP},proxy="app"}}[$__rate_interval]))',
                    "redispatched",
                ),
                Query(
                    "sum(rate(haproxy_backend_retry_warnings_total"
                    f'{{{APP},proxy="app"}}[$__rate_interval]))',
                    "retried",
                ),
            ),
        ),
    ),
)

APP_BOARD: Final = Board(
    "immutant-app",
    "Immutant / App",
    "Requests, latency and sessions of one app.",
    "immutant_member_deadline_seconds",
    (_REQUESTS, _SESSIONS, _ROUTER),
)
