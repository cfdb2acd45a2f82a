"""An exporter that keeps spans, and looking at them."""

import asyncio
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Kept(InMemorySpanExporter):
    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        self._news.set()
        return result

    def named(self, name: str) -> list[ReadableSpan]:
        """The spans of that name so far, in the order of their ends."""
        return [span for span in self.get_finished_spans() if span.name == name]

    async def wait_for(self, name: str, count: int = 1) -> list[ReadableSpan]:
        """The spans of that name, once there are so many."""
        async with asyncio.timeout(10):
            while len(self.named(name)) < count:
                self._news.clear()
                await self._news.wait()
        return self.named(name)


def attributes(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def ids(span: ReadableSpan) -> tuple[int, int]:
    """Of its trace, and its own."""
    assert span.context is not None
    return span.context.trace_id, span.context.span_id


def parent(span: ReadableSpan) -> tuple[int, int] | None:
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)
