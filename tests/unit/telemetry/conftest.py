"""A tracer whose spans stay in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from tests.behaviour.services.conftest import NoCoordinator
from tests.unit.telemetry.looking import Kept

from immutant import App
from immutant.clock import SystemClock
from immutant.embedded import EmbeddedBackend
from immutant.runtime import AppRuntime
from immutant.telemetry.spans import SpanTracer

Run = Callable[[App], Awaitable[AppRuntime]]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def provider(kept: Kept) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    return provider


@pytest.fixture
def tracer(provider: TracerProvider) -> SpanTracer:
    return SpanTracer(provider)


@pytest.fixture
async def run(tracer: SpanTracer) -> AsyncIterator[Run]:
    """Runs an application, traced, until the test ends."""
    async with AsyncExitStack() as stack:

        async def run(app: App) -> AppRuntime:
            backend = await EmbeddedBackend.open(None, replica="a")
            stack.push_async_callback(backend.close)
            clock = SystemClock()
            runtime = AppRuntime(
                app, backend, NoCoordinator(), replica="a", clock=clock, tracer=tracer
            )
            await runtime.start()
            stack.push_async_callback(runtime.stop)
            return runtime

        yield run
