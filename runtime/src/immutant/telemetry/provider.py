"""The tracer provider of this process: the user's own, or one made as the environment says.

Belongs here: what spans are of (the resource), where they go, and their last way out. Not here: the
spans themselves (`spans`, `requests`).
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from opentelemetry import trace
from opentelemetry.trace import TracerProvider

from immutant.errors import ConfigurationError
from immutant.telemetry.requests import TracedRequests
from immutant.telemetry.spans import SpanTracer
from immutant.telemetry.starting import Identity
from immutant.webside import Application

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["SpanTelemetry", "provide", "resource_of"]

_EXPORTERS: Final = "opentelemetry_traces_exporter"
"""The group in which packages register them."""

_PAUSE: Final = 60.0
"""Seconds between two words about traces that do not get out."""

_log = logging.getLogger("immutant.telemetry")


class SpanTelemetry:
    """Traces this process by a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self.tracer = SpanTracer(provider)

    def serving(self, application: Application) -> Application:
        return TracedRequests(application, self.tracer)

    async def close(self, limit: float) -> None:
        flush: Callable[[], object] | None = getattr(self._provider, "force_flush", None)
        if flush is not None and limit > 0:  # the API alone has none
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_in_passing(flush), limit)


def provide(identity: Identity, exporters: Sequence[str]) -> SpanTelemetry | None:
    """Trace by the provider that is set up already, else by one with these exporters.

    Returns:
        What traces; None where nobody has set a provider up and there is no exporter.

    Raises:
        ConfigurationError: No package has one of these exporters.
        ModuleNotFoundError: The SDK is not installed.
    """
    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider):  # nobody has
        if not exporters:
            return None
        provider = _made(identity, exporters)
        trace.set_tracer_provider(provider)  # the user's own spans go the same way
    return SpanTelemetry(provider)


def _made(identity: Identity, exporters: Sequence[str]) -> TracerProvider:
    from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    found = [_exporter(name)() for name in exporters]
    provider = SdkTracerProvider(resource=resource_of(identity), shutdown_on_exit=False)
    for exporter in found:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    _hear_of_losses()
    return provider


def resource_of(identity: Identity) -> "Resource":
    """What spans are of.

    OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count more than what we know.
    """
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    known = {"service.name": identity.app, "service.instance.id": identity.replica}
    if identity.namespace:
        known["k8s.namespace.name"] = identity.namespace
        known["k8s.pod.name"] = identity.replica
    return Resource.create(known).merge(OTELResourceDetector().detect())


def _exporter(name: str) -> "Callable[[], SpanExporter]":
    """The class that is registered under that name."""
    registered = entry_points(group=_EXPORTERS)
    for entry in registered.select(name=name):
        found: Callable[[], SpanExporter] = entry.load()
        return found
    known = ", ".join(sorted({entry.name for entry in registered})) or "none"
    raise ConfigurationError(
        f"no installed package has an exporter {name!r} (there are: {known}); name one of these "
        "in OTEL_TRACES_EXPORTER, or add the package to the application's requirements"
    )


def _hear_of_losses() -> None:
    """Let one word a minute through of all that exporters say while a collector is away."""
    handler = _Losses(logging.WARNING)
    for name in ("opentelemetry.exporter", "opentelemetry.sdk"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False


class _Losses(logging.Handler):
    _next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _PAUSE
            _log.warning(
                "traces may get lost, the application runs on: %s (said once a minute at most)",
                record.getMessage(),
            )


async def _in_passing(call: Callable[[], object]) -> None:
    """Make a call that nobody has to wait for: neither the loop's end nor the process's."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def work() -> None:
        try:
            call()
        finally:
            with contextlib.suppress(RuntimeError):  # the loop did not wait
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, name="immutant-last-traces", daemon=True).start()
    await done.wait()
