"""The operator's health and metrics, on one port.

Belongs here: the endpoint and the metrics. A standby is alive and ready too: it is ready to lead.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from immutant_operator.registry import Key
from immutant_operator.workqueue import Work

__all__ = ["Metrics", "serving"]


_SECONDS: Final = tuple(0.002 * 2**step for step in range(14))
"""From a look at an app at rest to one that waits for requests that do not return."""


class Metrics:
    """What the operator counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.leading = Gauge(
            "immutant_operator_leading", "Whether this replica leads.", registry=self.registry
        )
        self.apps = Gauge(
            "immutant_operator_apps", "The apps that are known.", registry=self.registry
        )
        self.queued = Gauge(
            "immutant_operator_queued", "The apps that wait.", registry=self.registry
        )
        self._seconds = Histogram(
            "immutant_operator_reconcile_seconds",
            "The time that one look at an app takes.",
            registry=self.registry,
            buckets=_SECONDS,
        )
        self._failures = Counter(
            "immutant_operator_reconcile_failures",
            "Looks at an app that failed and are repeated.",
            registry=self.registry,
        )

    def timed(self, work: Work) -> Work:
        """The same work, counted."""

        async def counted(key: Key) -> float | None:
            began = time.monotonic()
            with self._failures.count_exceptions():
                again = await work(key)
            self._seconds.observe(time.monotonic() - began)
            return again

        return counted


@asynccontextmanager
async def serving(metrics: Metrics, port: int) -> AsyncIterator[int]:
    """Health and metrics served while the context is open; the port."""
    application = web.Application()
    application.router.add_get("/livez", _alive)
    application.router.add_get("/readyz", _alive)
    application.router.add_get("/metrics", _exposing(metrics))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "0.0.0.0", port).start()  # noqa: S104 - the pod's own address
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _alive(_request: web.Request) -> web.Response:
    """Answered by the event loop that does the work: one that hangs does not answer."""
    return web.Response(text="ok")


def _exposing(metrics: Metrics) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def expose(_request: web.Request) -> web.Response:
        body = generate_latest(metrics.registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return expose
